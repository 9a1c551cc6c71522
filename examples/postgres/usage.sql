-- Usage and interim charges as records of submitBillingData: one line per installation and day.
-- Variable: at, the time of the run, such as now.
--
-- - The values are totals of the day and of the month so far, not what was added since the last run. A run that is late,
--   or was dropped, is made up for by the next one.
-- - Only complete hours count. The run after midnight reports the last hour of the day before, in the month of that hour.
-- - Until 06:00 the day before is reported again, in case that the run after midnight was dropped. Vercel accepts
--   data until 24 hours after the end of its day (eod).

begin transaction isolation level repeatable read, read only;
set local timezone = 'UTC';
set local jit = off; -- compiling this query takes longer than running it

with
clock as (
  select date_trunc('hour', :'at'::timestamptz) as last_hour
),
days as (
  select day, least(day + interval '1 day', last_hour) as until,
    date_trunc('month', day) as period_start, date_trunc('month', day) + interval '1 month' as period_end
  from clock, generate_series(
    date_trunc('day', last_hour - case when extract(hour from last_hour) <= 6 then interval '7 hours' else interval '1 hour' end),
    date_trunc('day', last_hour - interval '1 hour'),
    interval '1 day'
  ) as day
),
items as (
  select day, installation_id, json_agg(json_build_object(
    'resourceId', resource_id,
    'billingPlanId', plan_id,
    'name', name,
    'price', price::text, -- a string, so that no digit is lost
    'quantity', quantity,
    'units', unit,
    'total', total::text
  ) order by resource_id, plan_id, name) as billing
  from days, charges(period_start, period_end, until)
  group by day, installation_id
),
usage_values as (
  select day, resource_id, metric_id,
    sum(value) filter (where hour >= day) as day_sum, avg(value) filter (where hour >= day) as day_average,
    sum(value) as period_sum, avg(value) as period_average
  from days join usage on hour >= period_start and hour < until
  group by day, resource_id, metric_id
),
usage_rows as (
  select day, installation_id, json_agg(json_build_object(
    'resourceId', resource_id,
    'name', m.name,
    'type', m.type,
    'units', m.unit,
    'dayValue', trim_scale(round(coalesce(case m.type when 'interval' then day_sum else day_average end, 0), 4)),
    'periodValue', trim_scale(round(case m.type when 'interval' then period_sum else period_average end, 4))
  ) order by resource_id, m.name) as usage
  from usage_values v join metrics m on m.id = v.metric_id join resources r on r.id = v.resource_id
  group by day, installation_id
)
select json_build_object(
  'id', i.id || '/' || to_char(days.day, 'YYYY-MM-DD'),
  'integrationConfigurationId', i.id,
  'eod', days.day + interval '1 day',
  'period', json_build_object('start', period_start, 'end', period_end),
  'billing', coalesce(billing, '[]'),
  'usage', coalesce(usage, '[]')
)
from days
join installations i on i.installed_at < days.until
left join items on items.day = days.day and items.installation_id = i.id
left join usage_rows on usage_rows.day = days.day and usage_rows.installation_id = i.id
where i.uninstalled_at is null or i.uninstalled_at > :'at'::timestamptz - interval '24 hours'
order by i.id, days.day;

commit;
