-- Which ten subscriptions changed their usage most from one month to the next, by metric?
-- Chart: change by subscription_id, for each month
WITH
  months AS (
    SELECT DISTINCT month, month_number FROM events
  ),
  -- The usage of a month counts twice: in its own month, and as the previous one in the month after.
  parts AS (
    SELECT
      month_number + later AS month_number,
      subscription_id,
      metric,
      CASE WHEN later = 0 THEN quantity ELSE CAST(0 AS DECIMAL(38, 0)) END AS present,
      CASE WHEN later = 1 THEN quantity ELSE CAST(0 AS DECIMAL(38, 0)) END AS previous
    FROM monthly_usage
    CROSS JOIN (VALUES (0), (1)) AS shifts (later)
  ),
  changes AS (
    SELECT
      month_number,
      metric,
      subscription_id,
      sum(previous) AS previous,
      sum(present) AS present,
      sum(present - previous) AS change
    FROM parts
    GROUP BY month_number, metric, subscription_id
  ),
  ranked AS (
    SELECT
      months.month,
      changes.metric,
      changes.subscription_id,
      changes.previous,
      changes.present,
      changes.change,
      row_number() OVER (
        PARTITION BY months.month, changes.metric
        ORDER BY abs(changes.change) DESC NULLS LAST, changes.subscription_id NULLS LAST
      ) AS place
    FROM changes
    JOIN months ON months.month_number = changes.month_number
    -- Before the first month with events, nothing is known.
    WHERE changes.month_number > (SELECT min(month_number) FROM months)
  )
SELECT month, metric, CAST(place AS BIGINT) AS place, subscription_id, previous, present, change
FROM ranked
WHERE place <= 10
ORDER BY month NULLS LAST, metric NULLS LAST, place NULLS LAST
