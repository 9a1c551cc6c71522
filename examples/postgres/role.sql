-- The user of the workflow: it can read what the queries need, and change nothing.
-- Run it as the owner of the tables: psql --set=password="$PASSWORD" --file=role.sql

create role billing login password :'password' connection limit 5;
alter role billing set default_transaction_read_only = on;
alter role billing set statement_timeout = '5min';

grant select on
  installations, resources, plans, metrics, prices, plan_changes, subscriptions, usage, invoices, invoice_items
to billing;
