/* Just enough of HTTP/1.1 to know where an answer ends. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "load.h"

static const char *header(const char *text, const char *end, const char *name) {
    size_t wanted = strlen(name);
    for (const char *line = memchr(text, '\n', (size_t)(end - text)); line != NULL && line < end;
         line = memchr(line, '\n', (size_t)(end - line))) {
        line++;
        if ((size_t)(end - line) > wanted && strncasecmp(line, name, wanted) == 0) return line + wanted;
    }
    return NULL;
}

bool answer_complete(const char *text, size_t length, int *status, bool *closes) {
    const char *blank = memmem(text, length, "\r\n\r\n", 4);
    if (blank == NULL) return false;
    const char *end = blank + 2;
    const char *body = blank + 4;
    *status = length > 12 && memcmp(text, "HTTP/1.", 7) == 0 ? atoi(text + 9) : 0;
    const char *connection = header(text, end, "connection:");
    *closes = connection != NULL && strncasecmp(connection + strspn(connection, " "), "close", 5) == 0;
    const char *size = header(text, end, "content-length:");
    if (size != NULL) return length >= (size_t)(body - text) + (size_t)atol(size);
    if (header(text, end, "transfer-encoding:") != NULL) {
        return length >= 5 && memcmp(text + length - 5, "0\r\n\r\n", 5) == 0;
    }
    return *status == 204 || *status == 304;
}
