"""Read-only views for people who open the database in Datasette or a notebook.

The report does not read them: it takes estimates with intervals from `analysis`. The values are
the same: the geometric mean of the medians of the cells that `stats.replicates` keeps (a test
compares them). That takes SQLite's `exp` and `ln`, which builds have since 3.35. Times are in
milliseconds and scores in percent, as people read them; the tables beneath hold seconds and
fractions.
"""

from __future__ import annotations

REPLICATE = """CREATE VIEW replicate AS
SELECT
    key AS cell_key, environment_key, workload_key, sweep_key, round_index, started_at, fidelity,
    status, median_s, sample_count
FROM (
    SELECT ranked.*, min(rank = 2) OVER (PARTITION BY environment_key, workload_key) AS none_quiet
    FROM (
        SELECT
            longest.*,
            -- One per round: the first that is in order, else the last that was tried.
            row_number() OVER (
                PARTITION BY environment_key, workload_key, sweep_key, round_index
                ORDER BY
                    rank,
                    CASE WHEN rank = 0 THEN started_at END,
                    CASE WHEN rank = 0 THEN key END,
                    started_at DESC,
                    key DESC
            ) AS place
        FROM (
            SELECT
                cell.*,
                CASE status WHEN 'suspect' THEN 1 WHEN 'disturbed' THEN 2 ELSE 0 END AS rank,
                max(fidelity <> 'quick') OVER (
                    PARTITION BY environment_key, workload_key
                ) AS has_longer
            FROM cell
            WHERE median_s IS NOT NULL
        ) AS longest
        WHERE fidelity <> 'quick' OR NOT has_longer
    ) AS ranked
    WHERE place = 1
)
WHERE rank < 2 OR none_quiet"""

MEASUREMENT = """CREATE VIEW measurement AS
SELECT
    c.environment_key,
    c.workload_key,
    w.kind,
    w.label AS workload,
    w.backend,
    w.precision,
    c.cells,
    c.suspect_cells,
    c.disturbed_cells,
    c.samples,
    c.latency_s * 1000.0 AS latency_ms,
    c.fastest_cell_s * 1000.0 AS fastest_cell_ms,
    c.slowest_cell_s * 1000.0 AS slowest_cell_ms
FROM (
    SELECT
        environment_key,
        workload_key,
        count(*) AS cells,
        sum(status = 'suspect') AS suspect_cells,
        sum(status = 'disturbed') AS disturbed_cells,
        sum(sample_count) AS samples,
        exp(avg(ln(median_s))) AS latency_s,
        min(median_s) AS fastest_cell_s,
        max(median_s) AS slowest_cell_s
    FROM replicate
    GROUP BY environment_key, workload_key
) AS c
JOIN workload AS w ON w.key = c.workload_key"""

TTFT = """CREATE VIEW ttft AS
SELECT
    p.encoder,
    p.resolution_px,
    p.llm,
    p.tiling,
    pp.passes,
    pp.visual_tokens,
    -- A point of several image sizes sums over them: the mean is what a reader asks for.
    sum(CASE WHEN pw.role = 'encode' THEN pw.passes * m.latency_ms ELSE 0.0 END)
        / coalesce(json_extract(pp.described, '$.images.count'), 1) AS encode_ms,
    sum(CASE WHEN pw.role = 'prefill' THEN pw.passes * m.latency_ms ELSE 0.0 END)
        / coalesce(json_extract(pp.described, '$.images.count'), 1) AS prefill_ms,
    sum(pw.passes * m.latency_ms)
        / coalesce(json_extract(pp.described, '$.images.count'), 1) AS ttft_ms,
    min(m.cells) AS fewest_cells,
    max(m.disturbed_cells) AS disturbed_cells,
    m.environment_key,
    e.label AS environment,
    pp.key AS planned_point_key
FROM planned_point AS pp
JOIN point AS p ON p.key = pp.point_key
JOIN point_workload AS pw
    ON pw.planned_point_key = pp.key AND pw.role NOT IN ('decode', 'end_to_end')
JOIN measurement AS m ON m.workload_key = pw.workload_key
JOIN environment AS e ON e.key = m.environment_key
GROUP BY pp.key, m.environment_key
-- Every part from this one environment, an encoder and an LLM among them; else no row.
HAVING count(*) = (
    SELECT count(*) FROM point_workload AS parts
    WHERE parts.planned_point_key = pp.key AND parts.role NOT IN ('decode', 'end_to_end')
)
AND sum(pw.role = 'encode') > 0 AND sum(pw.role = 'prefill') > 0"""

ACCURACY = """CREATE VIEW accuracy AS
SELECT
    s.encoder,
    s.resolution_px,
    s.llm,
    s.tiling,
    s.recipe,
    s.benchmark,
    s.value * 100.0 AS score_percent,
    s.standard_error * 100.0 AS standard_error_percent,
    s.n,
    s.harness,
    s.protocol,
    s.is_partial,
    o.kind AS source_kind,
    trim(o.title || ' ' || o.version) AS source,
    o."table" AS source_table,
    o.row AS source_row
FROM score AS s
JOIN source AS o ON o.key = s.source_key
-- A part that the whole came after, as `scores.without_superseded` has it.
WHERE NOT (s.is_partial AND s.checkpoint <> '' AND EXISTS (
    SELECT 1 FROM score AS w
    WHERE w.encoder = s.encoder AND w.resolution_px = s.resolution_px AND w.llm = s.llm
    AND w.tiling = s.tiling AND w.recipe = s.recipe AND w.benchmark = s.benchmark
    AND w.harness = s.harness AND w.checkpoint = s.checkpoint AND NOT w.is_partial
    AND (w.protocol = s.protocol OR s.n IS NULL)
))"""

FRONT = """CREATE VIEW front AS
SELECT
    encoder, resolution_px, llm, tiling, recipe, benchmark, ttft_ms, score_percent,
    score_percent >= no_slower AND (faster IS NULL OR score_percent > faster) AS is_on_front,
    source, environment, environment_key
FROM (
    SELECT
        t.*, a.recipe, a.benchmark, a.score_percent, a.source,
        max(a.score_percent) OVER (
            alike ORDER BY t.ttft_ms RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS no_slower,
        max(a.score_percent) OVER (
            alike ORDER BY t.ttft_ms
            RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW EXCLUDE GROUP
        ) AS faster
    FROM ttft AS t
    JOIN accuracy AS a USING (encoder, resolution_px, llm, tiling)
    WHERE NOT a.is_partial AND NOT t.disturbed_cells
    -- Never across environments, recipes or benchmarks.
    WINDOW alike AS (PARTITION BY t.environment_key, a.recipe, a.benchmark)
)"""

FAILED = """CREATE VIEW failed AS
SELECT
    w.kind AS workload_kind, w.label AS workload, w.backend, w.precision,
    f.kind, f.reason, f.at, e.label AS environment, f.environment_key, f.workload_key,
    f.key AS failure_key
FROM failure AS f
JOIN workload AS w ON w.key = f.workload_key
JOIN environment AS e ON e.key = f.environment_key
WHERE NOT EXISTS (SELECT 1 FROM failure_superseded AS s WHERE s.failure_key = f.key)
-- A good cell that began later says more than the failure does.
AND NOT EXISTS (
    SELECT 1 FROM cell AS c
    WHERE c.environment_key = f.environment_key AND c.workload_key = f.workload_key
    AND c.status IN ('ok', 'unjudged') AND c.started_at > f.at
)"""

VIEWS = (REPLICATE, MEASUREMENT, TTFT, ACCURACY, FRONT, FAILED)
"""In the order in which they must be made: each reads only those before it."""
