-- The tables of a small partner: who has installed the integration, on which plan each resource is, and what it has used.
-- Yours look different. What matters is what usage.sql, invoices.sql and tokens.sql make of them.

create table installations (
  id text primary key, -- integrationConfigurationId, such as icfg_3bwCLgxL8qt5kjRLcv2Dit7F
  access_token text not null, -- credentials.access_token, from the request that created the installation
  installed_at timestamptz not null,
  uninstalled_at timestamptz,
  -- Set this when you have sent the final invoice of an uninstalled customer: no other invoice follows.
  final_invoice_at timestamptz
);

create table resources (
  id text primary key,
  installation_id text not null references installations
);

create table plans (
  id text primary key, -- billingPlanId
  name text not null,
  monthly_fee numeric(12, 2) not null check (monthly_fee >= 0)
);

create table metrics (
  id text primary key,
  name text not null,
  unit text not null,
  -- interval: amounts that add up, such as requests; total: a level, such as a size, of which the average counts
  type text not null check (type in ('interval', 'total'))
);

create table prices (
  plan_id text references plans,
  metric_id text references metrics,
  price numeric(12, 6) not null check (price >= 0), -- of one unit; of one unit for a whole month if the type is total
  primary key (plan_id, metric_id)
);

-- The plans of each resource, one after the other, so that they cannot overlap. Changes are at full hours: round the
-- creation of a resource down and its deletion up, and every hour of usage has exactly one plan.
create table plan_changes (
  resource_id text references resources,
  at timestamptz check (at = date_trunc('hour', at, 'UTC')),
  plan_id text references plans, -- null: the resource was deleted
  primary key (resource_id, at)
);

create view subscriptions as
select resource_id, plan_id, started_at, ended_at
from (
  select resource_id, plan_id, at as started_at,
    lead(at, 1, 'infinity') over (partition by resource_id order by at) as ended_at
  from plan_changes
) as changes
where plan_id is not null;

create table usage (
  resource_id text references resources,
  metric_id text references metrics,
  hour timestamptz check (hour = date_trunc('hour', hour, 'UTC')), -- its beginning
  value numeric not null check (value >= 0),
  primary key (resource_id, metric_id, hour)
);

-- What the resources cost from the beginning of a period until a moment in it. Interim charges and invoices both come from
-- here, so they agree. Each total is the rounded quantity × price, in cents.
create function charges(period_start timestamptz, period_end timestamptz, until timestamptz)
returns table (
  installation_id text, resource_id text, plan_id text,
  name text, price numeric, quantity numeric, unit text, total numeric
)
language sql stable
as $$
  with active as (
    select s.resource_id, s.plan_id, greatest(started_at, period_start) as active_from, least(ended_at, until) as active_until
    from subscriptions s
    where started_at < until and ended_at > period_start
  ),
  fees as (
    select a.resource_id, a.plan_id, p.name || ' plan' as name, p.monthly_fee as price, 'months' as unit,
      sum(extract(epoch from active_until - active_from)::numeric) / extract(epoch from period_end - period_start)::numeric as quantity
    from active a join plans p on p.id = a.plan_id
    group by a.resource_id, a.plan_id, p.name, p.monthly_fee
  ),
  metered as (
    select a.resource_id, a.plan_id, m.name, p.price, m.unit,
      sum(u.value) / case m.type
        when 'interval' then 1
        else extract(epoch from period_end - period_start)::numeric / 3600 -- a month's average, from hourly values
      end as quantity
    from active a
    join usage u on u.resource_id = a.resource_id and u.hour >= a.active_from and u.hour < a.active_until
    join metrics m on m.id = u.metric_id
    join prices p on p.plan_id = a.plan_id and p.metric_id = m.id
    group by a.resource_id, a.plan_id, m.id, p.price
  ),
  rounded as (
    select l.resource_id, l.plan_id, l.name, l.price, round(l.quantity, 4) as quantity, l.unit
    from (
      select resource_id, plan_id, name, price, quantity, unit from fees
      union all
      select resource_id, plan_id, name, price, quantity, unit from metered
    ) as l
  )
  select r.installation_id, l.resource_id, l.plan_id,
    l.name, trim_scale(l.price), trim_scale(l.quantity), l.unit, round(l.price * l.quantity, 2)
  from rounded l join resources r on r.id = l.resource_id
  where round(l.price * l.quantity, 2) > 0
$$;

-- Your books. An invoice is written once, when its month is over, and does not change after that: however often the
-- workflow exports it, Vercel gets the same invoice under the same externalId.
create table invoices (
  id bigint generated always as identity (start with 10001) primary key,
  installation_id text not null references installations,
  period_start timestamptz not null,
  period_end timestamptz not null,
  unique (installation_id, period_start)
);

create table invoice_items (
  invoice_id bigint not null references invoices,
  resource_id text not null,
  plan_id text not null,
  period_start timestamptz not null, -- the invoice's, or an earlier one if the item was carried over
  period_end timestamptz not null,
  name text not null,
  price numeric not null,
  quantity numeric not null,
  unit text not null,
  total numeric(12, 2) not null
);

-- Writes the invoices of a month and returns how many are new. Your application calls it after the month, once the last
-- usage has arrived. A second call changes nothing.
--
-- Vercel never sends an invoice below 0.50 to the customer. Its items are carried over to the next one.
create function close_month(month date) returns bigint
language plpgsql
set timezone = 'UTC'
as $$
declare
  month_start timestamptz := date_trunc('month', month);
  month_end timestamptz := month_start + interval '1 month';
  written bigint;
begin
  if month_end > now() then
    raise exception 'The month % is not over', to_char(month_start, 'YYYY-MM');
  end if;
  -- A later month has taken over what this month would carry over.
  if exists (select from invoices where period_start >= month_end) then
    raise exception 'A month after % is closed already: close months in their order', to_char(month_start, 'YYYY-MM');
  end if;
  with
  lines as materialized (
    select *, month_start as item_start, month_end as item_end from charges(month_start, month_end, month_end)
    union all
    select i.installation_id, t.resource_id, t.plan_id, t.name, t.price, t.quantity, t.unit, t.total, t.period_start, t.period_end
    from invoices i join invoice_items t on t.invoice_id = i.id
    where i.period_end = month_start
      and (select sum(total) from invoice_items where invoice_id = i.id) < 0.50
  ),
  new as (
    insert into invoices (installation_id, period_start, period_end)
    select distinct l.installation_id, month_start, month_end
    from lines l join installations i on i.id = l.installation_id
    where i.final_invoice_at is null and (i.uninstalled_at is null or i.uninstalled_at > month_start)
    order by 1
    on conflict do nothing
    returning id, installation_id
  ),
  items as (
    insert into invoice_items
    select new.id, resource_id, plan_id, item_start, item_end, name, price, quantity, unit, total
    from new join lines using (installation_id)
  )
  select count(*) into written from new;
  return written;
end
$$;
