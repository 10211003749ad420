-- How long does it take from an invoice to its first payment? In seconds, by month of the invoice. Percentiles by nearest rank.
-- Chart: p50_seconds by month, for each currency
WITH
  invoices AS (
    SELECT invoice_id, currency, month, min(happened_ms) AS issued_ms
    FROM events
    WHERE type = 'invoice.issued' AND amount > 0
    GROUP BY invoice_id, currency, month
  ),
  first_payments AS (
    SELECT invoice_id, min(happened_ms) AS paid_ms FROM payments WHERE paid > 0 GROUP BY invoice_id
  ),
  waits AS (
    SELECT invoices.month, invoices.currency, first_payments.paid_ms - invoices.issued_ms AS wait_ms
    FROM invoices
    LEFT JOIN first_payments ON first_payments.invoice_id = invoices.invoice_id
  ),
  ranked AS (
    SELECT
      month,
      currency,
      CAST((wait_ms - wait_ms % 1000) / 1000 AS BIGINT) AS seconds,
      row_number() OVER (PARTITION BY month, currency ORDER BY wait_ms NULLS LAST) AS position,
      count(*) OVER (PARTITION BY month, currency) AS issued,
      count(wait_ms) OVER (PARTITION BY month, currency) AS paid
    FROM waits
  )
SELECT
  month,
  currency,
  issued,
  paid,
  min(CASE WHEN position * 100 >= paid * 50 THEN seconds END) AS p50_seconds,
  min(CASE WHEN position * 100 >= paid * 90 THEN seconds END) AS p90_seconds,
  max(seconds) AS longest_seconds
FROM ranked
GROUP BY month, currency, issued, paid
ORDER BY month NULLS LAST, currency NULLS LAST
