-- ClockBlock's tables on Supabase. Run it once in the SQL editor (or `psql -f`); running it again changes nothing.
--
-- Who sees what: every row belongs to a system (a machine's agent; its device id unless `records.system_id` says
-- otherwise), and a person sees the systems they are a member of. The first person to sign in on a machine becomes
-- its first member, by `register_system`; more are added with an INSERT into `system_members`.

create table if not exists system_members (
  system_id text not null,
  user_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
  joined_at timestamptz not null default now(),
  primary key (system_id, user_id)
);
create index if not exists system_members_user on system_members (user_id);
alter table system_members enable row level security;
drop policy if exists "members see their systems" on system_members;
create policy "members see their systems" on system_members
  for select to authenticated using (user_id = (select auth.uid()));

-- Whether the caller is a member. SECURITY DEFINER, so that policies can ask without a policy of their own in the way.
create or replace function is_member(of_system text) returns boolean
language sql stable security definer set search_path = public as $$
  select exists (
    select 1 from system_members where system_id = of_system and user_id = (select auth.uid())
  )
$$;

-- The systems of the caller. A policy that asks `in (select my_systems())` asks once a statement, not once a row.
create or replace function my_systems() returns setof text
language sql stable security definer set search_path = public as $$
  select system_id from system_members where user_id = (select auth.uid())
$$;

-- Makes the caller the first member of a system that nobody has yet; tells whether the caller is a member afterwards.
create or replace function register_system(new_system text) returns boolean
language plpgsql security definer set search_path = public as $$
begin
  if auth.uid() is null then return false; end if;
  -- Two people who sign in at the same moment must not both be first.
  perform pg_advisory_xact_lock(hashtext('register_system'), hashtext(new_system));
  if not exists (select 1 from system_members where system_id = new_system) then
    insert into system_members (system_id, user_id) values (new_system, auth.uid());
  end if;
  return is_member(new_system);
end
$$;

-- ---------------------------------------------------------------------------------------------------------------
-- Play time. Partitioned by month, so that a fleet's old months are dropped, not deleted, and indexes stay small.
-- The key must hold the partition's column; a heartbeat's time never changes, so (id, timestamp_utc) is as unique as id.

create table if not exists heartbeats (
  id uuid not null,
  device_id text not null,
  timestamp_utc timestamptz not null,
  is_playing boolean not null,
  poll_interval_sec integer not null check (poll_interval_sec > 0),
  process_name text,
  primary key (id, timestamp_utc)
) partition by range (timestamp_utc);
create table if not exists heartbeats_default partition of heartbeats default;
create index if not exists heartbeats_device_time on heartbeats (device_id, timestamp_utc);

-- Makes the partitions from this month on; call it monthly (pg_cron). A month without one lands in the default.
create or replace function make_heartbeat_partitions(months_ahead integer default 3) returns void
language plpgsql security definer set search_path = public as $$
declare
  month date := date_trunc('month', now() at time zone 'utc')::date;
  name text;
begin
  for step in 0 .. months_ahead loop
    name := 'heartbeats_' || to_char(month, 'YYYY_MM');
    if to_regclass(name) is null
       and not exists (
         select 1 from heartbeats_default
         where timestamp_utc >= month and timestamp_utc < month + interval '1 month'
       )
    then
      execute format(
        'create table %I partition of heartbeats for values from (%L) to (%L)',
        name, month::text || ' 00:00:00+00', (month + interval '1 month')::date::text || ' 00:00:00+00'
      );
      execute format('alter table %I enable row level security', name);
    end if;
    month := (month + interval '1 month')::date;
  end loop;
end
$$;
select make_heartbeat_partitions();
revoke execute on function make_heartbeat_partitions(integer) from public;

alter table heartbeats enable row level security;
alter table heartbeats_default enable row level security;
drop policy if exists "members read heartbeats" on heartbeats;
create policy "members read heartbeats" on heartbeats
  for select to authenticated using (device_id in (select my_systems()));
drop policy if exists "members add heartbeats" on heartbeats;
create policy "members add heartbeats" on heartbeats
  for insert to authenticated with check (device_id in (select my_systems()));

-- The minutes a device may play on a weekday (1 Monday … 7 Sunday); none means 0, as on the agent.
create table if not exists allowances (
  device_id text not null,
  weekday smallint not null check (weekday between 1 and 7),
  minutes double precision not null check (minutes >= 0),
  primary key (device_id, weekday)
);
alter table allowances enable row level security;
drop policy if exists "members keep allowances" on allowances;
create policy "members keep allowances" on allowances
  for all to authenticated using (device_id in (select my_systems())) with check (device_id in (select my_systems()));

-- Whole seconds are summed, so that the order in which heartbeats arrive cannot change the result.
create table if not exists daily_rollups (
  device_id text not null,
  date_utc date not null,
  seconds_used bigint not null default 0,
  minutes_allowed double precision not null default 0,
  minutes_used double precision generated always as (seconds_used / 60.0::double precision) stored,
  minutes_overdraft double precision
    generated always as (greatest(0, seconds_used / 60.0::double precision - minutes_allowed)) stored,
  last_heartbeat_at timestamptz not null,
  updated_at timestamptz not null default now(),
  primary key (device_id, date_utc)
);
alter table daily_rollups enable row level security;
drop policy if exists "members read rollups" on daily_rollups;
create policy "members read rollups" on daily_rollups
  for select to authenticated using (device_id in (select my_systems()));

-- Adds a batch of heartbeats to its days. Rows that were there already (ON CONFLICT DO NOTHING) are not in
-- `added`, so a batch that is sent twice counts once.
create or replace function roll_up_heartbeats() returns trigger
language plpgsql security definer set search_path = public as $$
begin
  insert into daily_rollups as rollup (device_id, date_utc, seconds_used, minutes_allowed, last_heartbeat_at)
  select batch.device_id, batch.date_utc, batch.seconds_used, coalesce(allowances.minutes, 0), batch.last_at
  from (
    select device_id,
           (timestamp_utc at time zone 'utc')::date as date_utc,
           coalesce(sum(poll_interval_sec) filter (where is_playing), 0) as seconds_used,
           max(timestamp_utc) as last_at
    from added
    group by 1, 2
    -- One order for all, so that two batches of a device cannot wait for each other.
    order by 1, 2
  ) batch
  left join allowances
    on allowances.device_id = batch.device_id
   and allowances.weekday = extract(isodow from batch.date_utc)
  on conflict (device_id, date_utc) do update set
    seconds_used = rollup.seconds_used + excluded.seconds_used,
    minutes_allowed = excluded.minutes_allowed,
    last_heartbeat_at = greatest(rollup.last_heartbeat_at, excluded.last_heartbeat_at),
    updated_at = now();
  return null;
end
$$;
drop trigger if exists heartbeats_roll_up on heartbeats;
create trigger heartbeats_roll_up after insert on heartbeats
  referencing new table as added for each statement execute function roll_up_heartbeats();

-- ---------------------------------------------------------------------------------------------------------------
-- Attendance. `id` is a digest of serial number, person and device time: a punch that arrives twice is one row.

create table if not exists punches (
  id text primary key,
  system_id text not null,
  device_sn text not null,
  person_id text not null,
  punched_at timestamptz,
  device_time text not null,
  time_zone text not null,
  mode text,
  in_out text,
  event text,
  raw text,
  received_at timestamptz not null default now()
);
create index if not exists punches_system_time on punches (system_id, punched_at);
create index if not exists punches_person_time on punches (system_id, person_id, punched_at);
alter table punches enable row level security;
drop policy if exists "members read punches" on punches;
create policy "members read punches" on punches
  for select to authenticated using (system_id in (select my_systems()));
drop policy if exists "members add punches" on punches;
create policy "members add punches" on punches
  for insert to authenticated with check (system_id in (select my_systems()));

-- ---------------------------------------------------------------------------------------------------------------
-- Events. `seq` orders a mode's events of one system; `idempotency_key` makes a repeated flush harmless.

create table if not exists zoe_events (
  id uuid primary key,
  system_id text not null,
  device_id text,
  mode text not null,
  ts timestamptz not null,
  seq bigint not null,
  source text not null,
  type text not null,
  subtype text not null,
  symbol text,
  severity text not null default 'info',
  body text not null,
  meta jsonb not null default '{}',
  idempotency_key text not null unique,
  created_at timestamptz not null default now()
);
create index if not exists zoe_events_mode_seq on zoe_events (system_id, mode, seq desc);
alter table zoe_events enable row level security;
drop policy if exists "members read events" on zoe_events;
create policy "members read events" on zoe_events
  for select to authenticated using (system_id in (select my_systems()));
drop policy if exists "members add events" on zoe_events;
create policy "members add events" on zoe_events
  for insert to authenticated with check (system_id in (select my_systems()));

create table if not exists zoe_health (
  system_id text not null,
  mode text not null,
  last_flush_ts timestamptz not null,
  primary key (system_id, mode)
);
alter table zoe_health enable row level security;
drop policy if exists "members keep health" on zoe_health;
create policy "members keep health" on zoe_health
  for all to authenticated using (system_id in (select my_systems())) with check (system_id in (select my_systems()));

-- ---------------------------------------------------------------------------------------------------------------
-- Records, edited on either side. The last write wins by `updated_at`, and the server is the one who says so: a
-- plain upsert would let the last to arrive win, and an edit made offline days ago would undo a newer one.

create or replace function last_write_wins() returns trigger
language plpgsql set search_path = public as $$
declare
  -- Milliseconds, as the agents write them: a finer stamp would come back to them changed.
  here timestamptz := date_trunc('milliseconds', clock_timestamp());
begin
  -- A clock that runs ahead must not win for ever.
  if new.updated_at is null or new.updated_at > here + interval '5 minutes' then
    new.updated_at := here;
  end if;
  new.updated_at := date_trunc('milliseconds', new.updated_at);
  if tg_op = 'UPDATE' then
    new.received_at := old.received_at;
    if new.updated_at < old.updated_at or new is not distinct from old then
      return null;
    end if;
    -- An edit that left the stamp alone (a web page's UPDATE of one column) is an edit made now.
    if new.updated_at = old.updated_at then
      new.updated_at := greatest(here, old.updated_at + interval '1 millisecond');
    end if;
  end if;
  -- What the agents read by: when a row came, not when it was edited, which may be days before.
  new.received_at := clock_timestamp();
  return new;
end
$$;

create table if not exists projects (
  id text primary key,
  system_id text not null,
  name text,
  status text,
  data jsonb default '{}',
  updated_at timestamptz not null default now(),
  deleted_at timestamptz,
  received_at timestamptz not null default clock_timestamp()
);
create table if not exists tasks (
  id text primary key,
  system_id text not null,
  project_id text references projects (id) on delete cascade,
  title text,
  status text,
  data jsonb default '{}',
  updated_at timestamptz not null default now(),
  deleted_at timestamptz,
  received_at timestamptz not null default clock_timestamp()
);
create table if not exists results (
  id text primary key,
  system_id text not null,
  task_id text references tasks (id) on delete cascade,
  status text,
  data jsonb default '{}',
  updated_at timestamptz not null default now(),
  deleted_at timestamptz,
  received_at timestamptz not null default clock_timestamp()
);

-- What every table of records needs; call it for tables of your own:
--   select clockblock_records('invoices');  select clockblock_records('parts', 'part_no');
drop function if exists clockblock_records(text);
create or replace function clockblock_records(table_name text, key text default 'id') returns void
language plpgsql set search_path = public as $$
begin
  execute format('create index if not exists %I on %I (system_id, received_at, %I)',
    table_name || '_pull', table_name, key);
  execute format('create index if not exists %I on %I (deleted_at) where deleted_at is not null',
    table_name || '_tombstones', table_name);
  execute format('drop trigger if exists last_write_wins on %I', table_name);
  execute format('create trigger last_write_wins before insert or update on %I
    for each row execute function last_write_wins()', table_name);
  execute format('alter table %I enable row level security', table_name);
  execute format('drop policy if exists "members keep records" on %I', table_name);
  -- Tombstones stay visible: a deletion that a policy hides would never reach the other side.
  execute format('create policy "members keep records" on %I for all to authenticated
    using (system_id in (select my_systems())) with check (system_id in (select my_systems()))', table_name);
  if exists (select 1 from pg_publication where pubname = 'supabase_realtime')
     and not exists (
       select 1 from pg_publication_tables
       where pubname = 'supabase_realtime' and schemaname = 'public' and tablename = table_name
     )
  then
    execute format('alter publication supabase_realtime add table %I', table_name);
  end if;
end
$$;
revoke execute on function clockblock_records(text, text) from public;
select clockblock_records('projects'), clockblock_records('tasks'), clockblock_records('results');

-- Removes tombstones for good; call it daily (pg_cron). An agent that was away for longer reads everything anew.
create or replace function purge_tombstones(older_than interval default '90 days') returns bigint
language plpgsql security definer set search_path = public as $$
declare
  purged bigint := 0;
  one bigint;
  target text;
begin
  for target in
    select event_object_table from information_schema.triggers
    where trigger_name = 'last_write_wins' and trigger_schema = 'public'
    group by 1 order by 1
  loop
    execute format('delete from %I where deleted_at < $1', target) using now() - older_than;
    get diagnostics one = row_count;
    purged := purged + one;
  end loop;
  return purged;
end
$$;
revoke execute on function purge_tombstones(interval) from public;
