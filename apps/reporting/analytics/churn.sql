-- How did the monthly recurring revenue change in each month: by new, larger, smaller and ended subscriptions? In minor units.
-- The sums of `active` and `net` over all months are the figures of today.
-- Chart: net by month, for each currency
WITH
  movements AS (
    SELECT
      month,
      currency,
      current_price - previous_price AS change,
      CASE
        WHEN type = 'subscription.cancelled' THEN 'churn'
        WHEN previous_type IS NULL OR previous_type = 'subscription.cancelled' THEN 'new'
        WHEN current_price >= previous_price THEN 'expansion'
        ELSE 'contraction'
      END AS kind,
      CASE
        WHEN type = 'subscription.cancelled' AND (previous_type IS NULL OR previous_type = 'subscription.cancelled') THEN 0
        WHEN type = 'subscription.cancelled' THEN -1
        WHEN previous_type IS NULL OR previous_type = 'subscription.cancelled' THEN 1
        ELSE 0
      END AS step
    FROM subscription_states
  )
SELECT
  month,
  currency,
  count(CASE WHEN step = 1 THEN 1 END) AS started,
  count(CASE WHEN step = -1 THEN 1 END) AS ended,
  count(CASE WHEN step = 1 THEN 1 END) - count(CASE WHEN step = -1 THEN 1 END) AS active,
  sum(CASE WHEN kind = 'new' THEN change ELSE CAST(0 AS DECIMAL(38, 0)) END) AS new,
  sum(CASE WHEN kind = 'expansion' THEN change ELSE CAST(0 AS DECIMAL(38, 0)) END) AS expansion,
  sum(CASE WHEN kind = 'contraction' THEN change ELSE CAST(0 AS DECIMAL(38, 0)) END) AS contraction,
  sum(CASE WHEN kind = 'churn' THEN change ELSE CAST(0 AS DECIMAL(38, 0)) END) AS churn,
  sum(change) AS net
FROM movements
GROUP BY month, currency
ORDER BY month NULLS LAST, currency NULLS LAST
