import { badRequest } from "../errors.ts";

const ENTITIES: Record<string, string> = { "&lt;": "<", "&gt;": ">", "&amp;": "&", "&quot;": '"' };

/**
 * The text that a person sees: marks of HTML or Markdown are taken out. Unlike Telegram the stand-in makes no
 * entities of them and doesn't refuse marks that don't match.
 */
export function plainText(text: string, parseMode: string): string {
  switch (parseMode.toLowerCase()) {
    case "":
      return text;
    case "html":
      return text
        .replaceAll(/<\/?[a-z][^>]*>/gi, "")
        .replaceAll(/&(?:lt|gt|amp|quot);/g, (e) => ENTITIES[e] ?? e);
    case "markdown":
    case "markdownv2":
      return text.replaceAll(
        /\\([_*[\]()~`>#+\-=|{}.!\\])|[*_~`|]+/g,
        (_, escaped?: string) => escaped ?? "",
      );
    default:
      throw badRequest("unsupported parse_mode");
  }
}
