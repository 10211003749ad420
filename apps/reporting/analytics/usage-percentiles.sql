-- How much does a subscription use in a month, by metric and plan? Percentiles over subscriptions and months (nearest rank).
-- Chart: p90 by plan_id, for each metric
WITH
  newest AS (
    SELECT subscription_id, plan_id FROM subscription_states WHERE is_newest
  ),
  ranked AS (
    SELECT
      monthly_usage.metric,
      newest.plan_id,
      monthly_usage.quantity,
      row_number() OVER (
        PARTITION BY monthly_usage.metric, newest.plan_id ORDER BY monthly_usage.quantity NULLS LAST
      ) AS position,
      count(*) OVER (PARTITION BY monthly_usage.metric, newest.plan_id) AS subscription_months
    FROM monthly_usage
    JOIN newest ON newest.subscription_id = monthly_usage.subscription_id
  )
SELECT
  metric,
  plan_id,
  subscription_months,
  min(CASE WHEN position * 100 >= subscription_months * 50 THEN quantity END) AS p50,
  min(CASE WHEN position * 100 >= subscription_months * 90 THEN quantity END) AS p90,
  min(CASE WHEN position * 100 >= subscription_months * 99 THEN quantity END) AS p99,
  max(quantity) AS largest
FROM ranked
GROUP BY metric, plan_id, subscription_months
ORDER BY metric NULLS LAST, plan_id NULLS LAST
