-- What invoices.sql leaves out of a month, one line per reason. Nothing that was used disappears unseen.
-- Variable: month, any day of it.

begin transaction isolation level repeatable read, read only;
set local timezone = 'UTC';

with
totals as (
  select n.uninstalled_at, (select sum(total) from invoice_items where invoice_id = i.id) as total
  from invoices i join installations n on n.id = i.installation_id
  where i.period_start = date_trunc('month', :'month'::timestamptz)
),
reasons as (
  select total, case
    when uninstalled_at <= now() - interval '24 hours' then 'uninstalled over 24 hours ago, so Vercel accepts no invoice any more'
    when total < 0.50 then 'below 0.50, carried over to the next month'
  end as reason
  from totals
)
select format('%s %s, %s in total: %s', count(*), case count(*) when 1 then 'invoice' else 'invoices' end, sum(total), reason)
from reasons
where reason is not null
group by reason
order by reason;

commit;
