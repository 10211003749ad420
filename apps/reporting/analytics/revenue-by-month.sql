-- How much was paid and refunded, by month, plan and currency? In minor units.
-- Chart: net by month, for each plan_id
SELECT
  month,
  plan_id,
  currency,
  sum(paid) AS paid,
  sum(refunded) AS refunded,
  sum(paid - refunded) AS net
FROM payments
GROUP BY month, plan_id, currency
ORDER BY month NULLS LAST, plan_id NULLS LAST, currency NULLS LAST
