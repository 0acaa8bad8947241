-- What the recorder wrote down of one run of the numbered sender, as one line of JSON.
WITH mine AS (
    SELECT * FROM record WHERE run = :run
),

first AS (
    SELECT number, chat, min(id) AS id FROM mine GROUP BY number, chat
),

ordered AS (
    SELECT number, lag(number) OVER (PARTITION BY chat ORDER BY id) AS before FROM first
)

SELECT json_build_object(
    'rows', (SELECT count(*) FROM mine),
    'distinct', (SELECT count(DISTINCT number) FROM mine),
    'last', (SELECT coalesce(max(number), 0) FROM mine),
    'disorder', (SELECT count(*) FROM ordered WHERE before > number),
    'firsts', (
        SELECT coalesce(json_object_agg(release, at), '{}')
        FROM (
            SELECT release, extract(EPOCH FROM min(arrived)) * 1000 AS at FROM mine GROUP BY release
        ) AS starts
    ),
    'releases', (
        SELECT coalesce(json_object_agg(release, count), '{}')
        FROM (SELECT release, count(*) AS count FROM mine GROUP BY release) AS counts
    )
);
