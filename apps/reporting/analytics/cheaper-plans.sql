-- Whose usage so far would have been cheaper on another plan than on the present one? In minor units, over months with usage.
-- Chart: saving by subscription_id
WITH
  used AS (
    SELECT
      active_subscriptions.subscription_id,
      active_subscriptions.currency,
      monthly_usage.month,
      monthly_usage.metric,
      CAST(monthly_usage.quantity AS BIGINT) AS quantity
    FROM monthly_usage
    JOIN active_subscriptions ON active_subscriptions.subscription_id = monthly_usage.subscription_id
    WHERE monthly_usage.metric IN (SELECT metric FROM plan_meters)
  ),
  months AS (
    SELECT subscription_id, count(*) AS months
    FROM (SELECT DISTINCT subscription_id, month FROM used) AS used_months
    GROUP BY subscription_id
  ),
  doubled AS (
    SELECT
      used.subscription_id,
      plan_meters.plan_id,
      CASE
        WHEN quantity > included THEN (quantity - included) * unit_price * 2 + per
        ELSE CAST(0 AS BIGINT)
      END AS dividend,
      per * 2 AS divisor
    FROM used
    JOIN plan_meters ON plan_meters.currency = used.currency AND plan_meters.metric = used.metric
  ),
  charges AS (
    SELECT
      subscription_id,
      plan_id,
      -- Half a minor unit is rounded up, for each metric by itself, as on an invoice.
      sum(CAST(CAST((dividend - dividend % divisor) / divisor AS BIGINT) AS DECIMAL(38, 0))) AS charge
    FROM doubled
    GROUP BY subscription_id, plan_id
  ),
  plans AS (
    SELECT DISTINCT plan_id, monthly_price FROM plan_meters
  ),
  totals AS (
    SELECT
      active_subscriptions.subscription_id,
      active_subscriptions.user_id,
      active_subscriptions.plan_id AS present_plan_id,
      active_subscriptions.currency,
      charges.plan_id,
      charges.charge + CAST(plans.monthly_price * months.months AS DECIMAL(38, 0)) AS price
    FROM charges
    JOIN plans ON plans.plan_id = charges.plan_id
    JOIN months ON months.subscription_id = charges.subscription_id
    JOIN active_subscriptions ON active_subscriptions.subscription_id = charges.subscription_id
  ),
  compared AS (
    SELECT
      totals.*,
      max(CASE WHEN plan_id = present_plan_id THEN price END) OVER (PARTITION BY subscription_id) AS present_price,
      row_number() OVER (PARTITION BY subscription_id ORDER BY price NULLS LAST, plan_id NULLS LAST) AS place
    FROM totals
  )
SELECT
  subscription_id,
  user_id,
  currency,
  present_plan_id,
  present_price,
  plan_id AS cheapest_plan_id,
  price AS cheapest_price,
  present_price - price AS saving
FROM compared
WHERE place = 1 AND price < present_price
ORDER BY saving DESC NULLS LAST, subscription_id NULLS LAST
