-- What each plan charges for a metric: its price a month, and a price for `per` units beyond the included ones.
-- A test compares the rows with the catalogue of billing.
CREATE TEMPORARY VIEW plan_meters AS
SELECT
  plan_id,
  currency,
  CAST(monthly_price AS BIGINT) AS monthly_price,
  metric,
  CAST(included AS BIGINT) AS included,
  CAST(unit_price AS BIGINT) AS unit_price,
  CAST(per AS BIGINT) AS per
FROM (
  VALUES
    ('free', 'EUR', 0, 'api_calls', 1000, 100, 1000),
    ('free', 'EUR', 0, 'storage_gb_hours', 720, 5, 100),
    ('starter', 'EUR', 1900, 'api_calls', 10000, 60, 1000),
    ('starter', 'EUR', 1900, 'storage_gb_hours', 7200, 4, 100),
    ('pro', 'EUR', 9900, 'api_calls', 100000, 35, 1000),
    ('pro', 'EUR', 9900, 'storage_gb_hours', 72000, 3, 100),
    ('pro-usd', 'USD', 10900, 'api_calls', 100000, 39, 1000),
    ('pro-usd', 'USD', 10900, 'storage_gb_hours', 72000, 3, 100)
) AS catalogue (plan_id, currency, monthly_price, metric, included, unit_price, per);
