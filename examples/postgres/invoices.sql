-- The invoices of a month as records of submitInvoice: one line per installation, in a fixed order, so that a second
-- export has the same digest. close_month() must have written them before.
-- Variable: month, any day of it, such as 2026-11-01. What these conditions leave out is listed by left-out.sql.

begin transaction isolation level repeatable read, read only;
set local timezone = 'UTC';

select json_build_object(
  'id', 'invoice-' || i.id,
  'integrationConfigurationId', i.installation_id,
  'externalId', 'invoice-' || i.id,
  'invoiceDate', i.period_end,
  'period', json_build_object('start', i.period_start, 'end', i.period_end),
  'items', json_agg(json_strip_nulls(json_build_object(
    'resourceId', t.resource_id,
    'billingPlanId', t.plan_id,
    'start', nullif(t.period_start, i.period_start), -- only if it differs from the invoice's
    'end', nullif(t.period_end, i.period_end),
    'name', t.name,
    'price', t.price::text,
    'quantity', t.quantity,
    'units', t.unit,
    'total', t.total::text
  )) order by t.period_start, t.resource_id, t.plan_id, t.name)
)
from invoices i
join invoice_items t on t.invoice_id = i.id
join installations n on n.id = i.installation_id
where i.period_start = date_trunc('month', :'month'::timestamptz)
  and (n.uninstalled_at is null or n.uninstalled_at > now() - interval '24 hours')
group by i.id
having sum(t.total) >= 0.50
order by i.id;

commit;
