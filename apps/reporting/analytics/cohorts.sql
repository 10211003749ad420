-- Of the people who signed up in a month, how many paid in each month since, and how much? In minor units, minus refunds.
-- Chart: net by months_since, for each cohort and currency
WITH
  members AS (
    SELECT user_id, min(month) AS cohort, min(month_number) AS cohort_number
    FROM events
    WHERE type = 'user.signed_up'
    GROUP BY user_id
  ),
  sizes AS (
    SELECT cohort, count(*) AS members FROM members GROUP BY cohort
  ),
  owners AS (
    SELECT subscription_id, min(user_id) AS user_id FROM subscription_states GROUP BY subscription_id
  )
SELECT
  members.cohort,
  CAST(payments.month_number - members.cohort_number AS BIGINT) AS months_since,
  payments.currency,
  sizes.members,
  count(DISTINCT members.user_id) AS paying,
  sum(payments.paid - payments.refunded) AS net
FROM payments
JOIN owners ON owners.subscription_id = payments.subscription_id
JOIN members ON members.user_id = owners.user_id
JOIN sizes ON sizes.cohort = members.cohort
GROUP BY members.cohort, members.cohort_number, payments.month_number, payments.currency, sizes.members
ORDER BY members.cohort NULLS LAST, months_since NULLS LAST, payments.currency NULLS LAST
