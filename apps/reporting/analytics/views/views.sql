-- Payments and refunds, in minor units of the currency.
CREATE TEMPORARY VIEW payments AS
SELECT
  month,
  month_number,
  subscription_id,
  plan_id,
  currency,
  invoice_id,
  happened_ms,
  CAST(CASE WHEN type = 'payment.succeeded' THEN amount ELSE 0 END AS DECIMAL(38, 0)) AS paid,
  CAST(CASE WHEN type = 'refund.succeeded' THEN amount ELSE 0 END AS DECIMAL(38, 0)) AS refunded
FROM events
WHERE type IN ('payment.succeeded', 'refund.succeeded');

-- Each state of a subscription, and the price a month before and after the change. A cancelled one has the price 0.
CREATE TEMPORARY VIEW subscription_states AS
SELECT
  month,
  subscription_id,
  user_id,
  plan_id,
  currency,
  type,
  CAST(current_price AS DECIMAL(38, 0)) AS current_price,
  CAST(lag(current_price, 1, 0) OVER newest_last AS DECIMAL(38, 0)) AS previous_price,
  lag(type) OVER newest_last AS previous_type,
  lead(type) OVER newest_last IS NULL AS is_newest
FROM (
  SELECT *, CASE WHEN type = 'subscription.cancelled' THEN 0 ELSE price END AS current_price
  FROM events
  WHERE type IN ('subscription.started', 'subscription.changed', 'subscription.cancelled')
) AS changes
WINDOW newest_last AS (PARTITION BY subscription_id ORDER BY version NULLS LAST, id NULLS LAST);

-- The newest state of each subscription that is active.
CREATE TEMPORARY VIEW active_subscriptions AS
SELECT subscription_id, user_id, plan_id, currency
FROM subscription_states
WHERE is_newest AND type <> 'subscription.cancelled';

-- The usage of a subscription in a month.
CREATE TEMPORARY VIEW monthly_usage AS
SELECT
  month,
  month_number,
  subscription_id,
  metric,
  sum(CAST(quantity AS DECIMAL(38, 0))) AS quantity
FROM events
WHERE type = 'usage.recorded'
GROUP BY month, month_number, subscription_id, metric;
