-- ClockBlock's tables on Supabase. Run it in the SQL editor (or `psql -f`) as the project's role `postgres`. Running it
-- again changes nothing; a project that 0.1.0 made is brought to today's form, with its rows.
--
-- Who sees what: every row belongs to a system (a machine's agent; its device id unless `records.system_id` says
-- otherwise), and an account sees the systems it is a member of. The first account that signs in on a machine becomes
-- the system's first member, by `register_system`; more are added with an INSERT into `system_members`.
--
-- Every unique key holds the system: otherwise one account could take, or be refused, an id because of another's row.
-- Functions that run with their owner's rights have an empty search path, so that no other schema can stand in.

-- ---------------------------------------------------------------------------------------------------------------
-- From 0.1.0, whose keys did not hold the system. The new keys are the old ones and more columns: no row can violate
-- them. A new project has none of these tables, and nothing happens here.

do $$
declare
  change record;
  orphaned boolean;
begin
  -- Foreign keys to the old keys go first. They come back below, with the system.
  alter table if exists public.tasks drop constraint if exists tasks_project_id_fkey;
  alter table if exists public.results drop constraint if exists results_task_id_fkey;
  for change in
    select key.conrelid::regclass as target, key.conname, wanted.columns
    from (values
      ('public.heartbeats', 'device_id, timestamp_utc, id'),
      ('public.punches', 'system_id, id'),
      ('public.zoe_events', 'system_id, id'),
      ('public.projects', 'system_id, id'),
      ('public.tasks', 'system_id, id'),
      ('public.results', 'system_id, id')
    ) wanted (target, columns)
    join pg_catalog.pg_constraint key on key.conrelid = to_regclass(wanted.target) and key.contype = 'p'
    where pg_get_constraintdef(key.oid) <> format('PRIMARY KEY (%s)', wanted.columns)
  loop
    begin
      execute format('alter table %s drop constraint %I, add primary key (%s)',
        change.target, change.conname, change.columns);
    exception when dependent_objects_still_exist then
      raise exception 'Cannot change the primary key of % to (%): %', change.target, change.columns, sqlerrm
        using hint = 'Drop the foreign key of your own table that refers to it, run this again, and add the foreign '
          'key again with both columns.';
    end;
  end loop;
  -- The primary key begins with the same columns.
  drop index if exists public.heartbeats_device_time;

  if exists (select from pg_catalog.pg_constraint where conrelid = to_regclass('public.zoe_events')
             and conname = 'zoe_events_idempotency_key_key') then
    alter table public.zoe_events drop constraint zoe_events_idempotency_key_key,
      add unique (system_id, mode, idempotency_key);
  end if;
  if not exists (select from pg_catalog.pg_constraint
                 where conrelid = to_regclass('public.punches') and contype = 'u') then
    alter table if exists public.punches add unique (system_id, device_sn, person_id, device_time);
  end if;

  for change in
    select * from (values
      ('public.tasks', 'project_id', 'public.projects'),
      ('public.results', 'task_id', 'public.tasks')
    ) link (child, link, parent)
    where to_regclass(link.child) is not null and not exists (
      select from pg_catalog.pg_constraint
      where conrelid = to_regclass(link.child) and contype = 'f' and confrelid = to_regclass(link.parent)
    )
  loop
    -- A task could name another system's project. Such a row keeps what it says; only new ones are checked.
    execute format('alter table %s add foreign key (system_id, %I) references %s on delete cascade on update cascade
      not valid', change.child, change.link, change.parent);
    execute format('select exists (select from %s child where %2$I is not null and not exists (
        select from %3$s parent where parent.system_id = child.system_id and parent.id = child.%2$I))',
      change.child, change.link, change.parent) into orphaned;
    if not orphaned then
      execute format('alter table %s validate constraint %I', change.child,
        format('%s_system_id_%s_fkey', split_part(change.child, '.', 2), change.link));
    end if;
  end loop;

  -- Without any allowance a device was given one of 0 minutes, and all its play time was overdraft.
  if exists (select from pg_catalog.pg_attribute where attrelid = to_regclass('public.daily_rollups')
             and attname = 'minutes_allowed' and attnotnull) then
    alter table public.daily_rollups
      alter column minutes_allowed drop not null, alter column minutes_allowed drop default;
    update public.daily_rollups rollup set minutes_allowed = null, updated_at = now()
    where minutes_allowed = 0
      and not exists (select from public.allowances where allowances.device_id = rollup.device_id);
  end if;
  -- It did not know of grants. Not dropped: views may use it.
  if exists (select from pg_catalog.pg_attribute where attrelid = to_regclass('public.daily_rollups')
             and attname = 'minutes_overdraft' and attgenerated <> '') then
    alter table public.daily_rollups alter column minutes_overdraft drop expression;
  end if;

  -- Tombstones are removed by the time they came, not by the time that a machine wrote on them.
  for change in
    select indexrelid::regclass as old_index
    from pg_catalog.pg_index
    join pg_catalog.pg_class on pg_class.oid = indexrelid
    join pg_catalog.pg_trigger on tgrelid = indrelid and tgname = 'last_write_wins'
    where relname like '%\_tombstones'
      and pg_get_indexdef(indexrelid) like '%(deleted_at) WHERE (deleted_at IS NOT NULL)'
  loop
    execute format('drop index %s', change.old_index);
  end loop;
  drop function if exists public.clockblock_records(text);
  drop function if exists public.clockblock_records(text, text);
end
$$;

-- ---------------------------------------------------------------------------------------------------------------
-- Members.

create table if not exists public.system_members (
  system_id text not null,
  user_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
  joined_at timestamptz not null default now(),
  primary key (system_id, user_id)
);
create index if not exists system_members_user on public.system_members (user_id);

-- Whether the caller is a member. SECURITY DEFINER, so that policies can ask without a policy of their own in the way.
create or replace function public.is_member(of_system text) returns boolean
language sql stable security definer set search_path = '' as $$
  select exists (
    select from public.system_members where system_id = of_system and user_id = (select auth.uid())
  )
$$;

-- The systems of the caller. A policy that asks `= any (array(select my_systems()))` asks once a statement, not once a
-- row, and the table's index finds the rows: 0.2 ms for one machine of 200 000, where `in (select …)` reads them all.
create or replace function public.my_systems() returns setof text
language sql stable security definer set search_path = '' as $$
  select system_id from public.system_members where user_id = (select auth.uid())
$$;

-- Makes the caller the first member of a system that is new; returns whether the caller is a member afterwards. A
-- system that has rows but no member belongs to whoever pushed them, with the service key or before its last member
-- was removed: only an INSERT into `system_members` gives it a member.
create or replace function public.register_system(new_system text) returns boolean
language plpgsql security definer set search_path = '' as $$
declare
  place record;
  taken boolean;
begin
  if auth.uid() is null or new_system is null then return false; end if;
  if public.is_member(new_system) then return true; end if;
  -- Two people who sign in at the same moment must not both be first.
  perform pg_advisory_xact_lock(hashtext('register_system'), hashtext(new_system));
  if exists (select from public.system_members where system_id = new_system) then
    return public.is_member(new_system);
  end if;
  -- Each table has an index that begins with the system: one look a table, at any size.
  for place in
    select * from (values
      ('public.heartbeats'::regclass, 'device_id'), ('public.allowances', 'device_id'),
      ('public.allowance_grants', 'system_id'),
      ('public.daily_rollups', 'device_id'), ('public.devices', 'system_id'), ('public.punches', 'system_id'),
      ('public.people', 'system_id'), ('public.punch_corrections', 'system_id'),
      ('public.zoe_events', 'system_id'), ('public.zoe_health', 'system_id')
    ) own (target, owner)
    union all select target, 'system_id' from public.clockblock_record_tables() target
  loop
    execute format('select exists (select from %s where %I = $1)', place.target, place.owner)
      into taken using new_system;
    if taken then return false; end if;
  end loop;
  insert into public.system_members (system_id, user_id) values (new_system, auth.uid());
  return true;
end
$$;

-- What API roles may do with a table, and nothing besides: a project's default privileges give them everything, or
-- nothing. Members (role `authenticated`) may do `verbs` with rows whose `owner` column holds one of their systems;
-- the service key may do everything.
create or replace function public.clockblock_allow(target regclass, owner text, verbs text[]) returns void
language plpgsql set search_path = '' as $$
declare
  condition text := quote_ident(owner) || ' = any (array(select public.my_systems()))';
  old name;
  verb text;
begin
  execute format('alter table %s enable row level security', target);
  for old in
    select polname from pg_policy
    where polrelid = target and (polname like 'members may %'
      -- Of 0.1.0.
      or polname ~ '^members (read|add|keep) (heartbeats|allowances|rollups|punches|events|health|records)$')
  loop
    execute format('drop policy %I on %s', old, target);
  end loop;
  foreach verb in array verbs loop
    execute format('create policy %I on %s for %s to authenticated %s', 'members may ' || verb, target, verb,
      case verb
        when 'insert' then format('with check (%s)', condition)
        when 'update' then format('using (%1$s) with check (%1$s)', condition)
        else format('using (%s)', condition)
      end);
  end loop;
  execute format('revoke all on table %s from public, anon, authenticated', target);
  execute format('grant all on table %s to service_role', target);
  if verbs <> '{}' then
    execute format('grant %s on table %s to authenticated', array_to_string(verbs, ', '), target);
  end if;
end
$$;

-- ---------------------------------------------------------------------------------------------------------------
-- Play time. Partitioned by month, so that a fleet's old months are dropped, not deleted, and indexes stay small.

create table if not exists public.heartbeats (
  id uuid not null,
  device_id text not null,
  timestamp_utc timestamptz not null,
  is_playing boolean not null,
  poll_interval_sec integer not null check (poll_interval_sec > 0),
  process_name text,
  primary key (device_id, timestamp_utc, id)
) partition by range (timestamp_utc);
create table if not exists public.heartbeats_default partition of public.heartbeats default;

-- Makes the partitions from this month on; call it monthly (pg_cron). A month without one lands in the default.
create or replace function public.make_heartbeat_partitions(months_ahead integer default 3) returns void
language plpgsql security definer set search_path = '' as $$
declare
  month date := date_trunc('month', now() at time zone 'utc')::date;
  partition text;
begin
  for step in 0 .. months_ahead loop
    partition := 'public.heartbeats_' || to_char(month, 'YYYY_MM');
    if to_regclass(partition) is null
       and not exists (
         select from public.heartbeats_default
         where timestamp_utc >= month::timestamp at time zone 'utc'
           and timestamp_utc < (month + interval '1 month') at time zone 'utc'
       )
    then
      execute format(
        'create table %s partition of public.heartbeats for values from (%L) to (%L)',
        partition, month::text || ' 00:00:00+00', (month + interval '1 month')::date::text || ' 00:00:00+00'
      );
      -- Rows are reached through `heartbeats` alone: a partition has neither its policies nor its trigger.
      perform public.clockblock_allow(partition::regclass, null, '{}');
    end if;
    month := (month + interval '1 month')::date;
  end loop;
end
$$;
select public.make_heartbeat_partitions();

-- The minutes a device may play on a weekday (1 Monday … 7 Sunday). A weekday that is not named, while others are, has
-- 0 minutes; a device without any row has no limit.
create table if not exists public.allowances (
  device_id text not null,
  weekday smallint not null check (weekday between 1 and 7),
  minutes double precision not null check (minutes >= 0),
  primary key (device_id, weekday)
);

-- Whole seconds are summed, so that the order in which heartbeats arrive cannot change the result. `minutes_allowed` is
-- NULL where no allowance is configured.
create table if not exists public.daily_rollups (
  device_id text not null,
  date_utc date not null,
  seconds_used bigint not null default 0,
  minutes_allowed double precision,
  minutes_used double precision generated always as (seconds_used / 60.0::double precision) stored,
  minutes_overdraft double precision,
  last_heartbeat_at timestamptz not null,
  updated_at timestamptz not null default now(),
  minutes_granted double precision not null default 0,
  primary key (device_id, date_utc)
);
alter table public.daily_rollups add column if not exists minutes_granted double precision not null default 0;

-- GREATEST ignores NULL: without an allowance the overdraft is 0.
create or replace function public.reckon_overdraft() returns trigger
language plpgsql set search_path = '' as $$
begin
  new.minutes_overdraft := greatest(0,
    new.seconds_used / 60.0::double precision - new.minutes_granted - new.minutes_allowed);
  return new;
end
$$;
create or replace trigger daily_rollups_overdraft before insert or update on public.daily_rollups
  for each row execute function public.reckon_overdraft();

-- More minutes for one day of a device, or fewer, by its agent or by a member's app, which inserts as little as
--   insert into allowance_grants (system_id, device_id, date, extra_min) values ('pc-1', 'pc-1', '2026-03-02', 30);
-- Rows are added and never change. What undoes one is a row of the opposite that names it.
create table if not exists public.allowance_grants (
  system_id text not null,
  id text not null default gen_random_uuid()::text,
  device_id text not null,
  date date not null,
  extra_min double precision not null check (extra_min between -1440 and 1440 and extra_min <> 0),
  reason text check (length(reason) <= 200),
  made_by text check (length(made_by) <= 200),
  undoes text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  received_at timestamptz not null default clock_timestamp(),
  primary key (system_id, id)
);
create unique index if not exists allowance_grants_undoes on public.allowance_grants (system_id, undoes)
  where undoes is not null;
create index if not exists allowance_grants_pull on public.allowance_grants (system_id, received_at, id);
create index if not exists allowance_grants_day on public.allowance_grants (device_id, date);

-- The grants of a day, as the agent counts them. A row may name any device: those of its own system count, and those of
-- a system that has a member in common with it.
create or replace function public.granted_minutes(of_device text, of_day date) returns double precision
language plpgsql stable security definer set search_path = '' as $$
begin
  return (
    -- Whole milliseconds: their order cannot change the sum.
    select coalesce(sum(round(extra_min * 60000)), 0) / 60000
    from public.allowance_grants given
    where device_id = of_device and date = of_day
      and date - (created_at at time zone 'utc')::date between -366 and 31
      and (system_id = of_device or exists (
        select from public.system_members one join public.system_members other using (user_id)
        where one.system_id = given.system_id and other.system_id = of_device
      ))
      and (undoes is null or exists (
        select from public.allowance_grants undone
        where undone.system_id = given.system_id and undone.id = given.undoes
          and undone.device_id = of_device and undone.date = of_day and undone.extra_min = -given.extra_min
      ))
  );
end
$$;

-- Adds a batch of heartbeats to its days. Rows that were there already (ON CONFLICT DO NOTHING) are not in
-- `added`, so a batch that is sent twice counts once.
create or replace function public.roll_up_heartbeats() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  -- A grant that is being added would be missed by a day that is being made: see `count_grants`.
  perform pg_advisory_xact_lock_shared(hashtextextended(device_id, 16))
  from (select distinct device_id from added order by 1) devices;
  insert into public.daily_rollups as rollup
    (device_id, date_utc, seconds_used, minutes_allowed, minutes_granted, last_heartbeat_at)
  select batch.device_id, batch.date_utc, batch.seconds_used, coalesce(allowances.minutes, unnamed.minutes),
         public.granted_minutes(batch.device_id, batch.date_utc), batch.last_at
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
  left join public.allowances
    on allowances.device_id = batch.device_id
   and allowances.weekday = extract(isodow from batch.date_utc)
  left join lateral (
    select 0 as minutes from public.allowances other where other.device_id = batch.device_id limit 1
  ) unnamed on true
  on conflict (device_id, date_utc) do update set
    seconds_used = rollup.seconds_used + excluded.seconds_used,
    minutes_allowed = excluded.minutes_allowed,
    minutes_granted = excluded.minutes_granted,
    last_heartbeat_at = greatest(rollup.last_heartbeat_at, excluded.last_heartbeat_at),
    updated_at = now();
  return null;
end
$$;
create or replace trigger heartbeats_roll_up after insert on public.heartbeats
  referencing new table as added for each statement execute function public.roll_up_heartbeats();

-- The agents read by the time when a row came: an app must not set it.
create or replace function public.stamp_received() returns trigger
language plpgsql set search_path = '' as $$
begin
  new.received_at := clock_timestamp();
  return new;
end
$$;
create or replace trigger allowance_grants_stamp before insert on public.allowance_grants
  for each row execute function public.stamp_received();

-- Puts grants into the days that are there already. One lock a device: two transactions that add grants, or a day and
-- a grant, would not see each other's.
create or replace function public.count_grants() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  perform pg_advisory_xact_lock(hashtextextended(device_id, 16))
  from (select distinct device_id from added order by 1) devices;
  update public.daily_rollups rollup set minutes_granted = minutes, updated_at = now()
  from (select distinct device_id, date from added) days,
    lateral public.granted_minutes(days.device_id, days.date) minutes
  where rollup.device_id = days.device_id and rollup.date_utc = days.date and rollup.minutes_granted <> minutes;
  return null;
end
$$;
create or replace trigger allowance_grants_count after insert on public.allowance_grants
  referencing new table as added for each statement execute function public.count_grants();
-- Grants from before this trigger.
update public.daily_rollups rollup set minutes_granted = minutes, updated_at = now()
from (select distinct device_id, date from public.allowance_grants) days,
  lateral public.granted_minutes(days.device_id, days.date) minutes
where rollup.device_id = days.device_id and rollup.date_utc = days.date and rollup.minutes_granted <> minutes;

-- ---------------------------------------------------------------------------------------------------------------
-- The machines of a fleet: what each reports of itself, the last time it was seen.

create table if not exists public.devices (
  system_id text not null,
  device_id text not null,
  name text,
  version text,
  time_zone text,
  -- NULL: no allowance is configured.
  allowance_min double precision,
  minutes_today double precision,
  -- NULL: not known.
  is_playing boolean,
  process_name text,
  -- Stream → rows that wait for the cloud.
  waiting jsonb not null default '{}',
  last_error text,
  last_seen timestamptz not null,
  updated_at timestamptz not null default now(),
  -- More minutes for today, or fewer.
  granted_min double precision,
  -- Of the day or the week, whichever leaves less; NULL: no limit.
  minutes_left double precision,
  -- When the machine last reported, by this server's clock: its own may be wrong.
  received_at timestamptz not null default clock_timestamp(),
  primary key (system_id, device_id)
);
-- Of a table that an earlier version made.
alter table public.devices
  add column if not exists granted_min double precision, add column if not exists minutes_left double precision,
  add column if not exists received_at timestamptz;
update public.devices set received_at = last_seen where received_at is null;
alter table public.devices
  alter column received_at set not null, alter column received_at set default clock_timestamp();
create or replace trigger devices_stamp before insert or update on public.devices
  for each row execute function public.stamp_received();

-- What a page shows of many machines, with the play of the last seven UTC days (date → minutes). No heartbeat is read,
-- and the caller's policies apply. The days are grouped before the join: one by one, each device would sort the array
-- of the account's systems, which is 0.7 s for a thousand.
create or replace view public.fleet with (security_invoker = true) as
  select system_id, device_id, name, version, time_zone, allowance_min, granted_min, minutes_today, minutes_left,
    is_playing, process_name, waiting, last_error, received_at,
    extract(epoch from now() - received_at)::double precision as silent_sec, days
  from public.devices
  left join (
    select device_id, jsonb_object_agg(date_utc, minutes_used) as days from public.daily_rollups
    where date_utc > (now() at time zone 'utc')::date - 7 group by device_id
  ) week using (device_id);

-- ---------------------------------------------------------------------------------------------------------------
-- Attendance. `id` is a digest of serial number, person and device time. A punch that arrives again is the same row,
-- and changes it: its time zone or its direction may have been corrected since, or a person has struck it out, which
-- never deletes it.

create table if not exists public.punches (
  id text not null,
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
  received_at timestamptz not null default now(),
  direction text,
  direction_by text,
  struck boolean not null default false,
  added_by text,
  person_name text,
  primary key (system_id, id),
  unique (system_id, device_sn, person_id, device_time)
);
-- Of a table that an earlier version made.
alter table public.punches
  add column if not exists direction text, add column if not exists direction_by text,
  add column if not exists struck boolean not null default false,
  add column if not exists added_by text, add column if not exists person_name text;
create index if not exists punches_system_time on public.punches (system_id, punched_at);
create index if not exists punches_person_time on public.punches (system_id, person_id, punched_at);

-- Who the ids are that devices send, a row an id. One that is another id of a person names that person in `alias_of`:
--   coalesce(alias_of, person_id)
-- `device_id` is the agent that wrote the row.
create table if not exists public.people (
  system_id text not null,
  person_id text not null,
  device_id text,
  alias_of text,
  name text,
  department text,
  active boolean not null default true,
  -- Who said so: device, import or person.
  source text,
  updated_at timestamptz not null default now(),
  erased_at timestamptz,
  primary key (system_id, person_id)
);
create index if not exists people_alias on public.people (system_id, alias_of) where alias_of is not null;

-- Punches that people added, struck out or restored. Rows are only added.
create table if not exists public.punch_corrections (
  system_id text not null,
  id text not null,
  device_id text,
  kind text not null,
  punch_id text not null,
  person_id text not null,
  punched_at timestamptz not null,
  direction text,
  reason text not null,
  made_by text not null,
  created_at timestamptz not null default now(),
  primary key (system_id, id)
);
create index if not exists punch_corrections_time on public.punch_corrections (system_id, punched_at);
create index if not exists punch_corrections_person on public.punch_corrections (system_id, person_id, punched_at);

-- Erases here what was erased on the machine: everything of that id. It runs after the policies have let the row in, with
-- its owner's rights, because members may delete neither punches nor corrections.
create or replace function public.erase_person() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  if new.erased_at is null or (tg_op = 'UPDATE' and new.erased_at is not distinct from old.erased_at) then
    return null;
  end if;
  delete from public.punches where system_id = new.system_id and person_id = new.person_id;
  delete from public.punch_corrections where system_id = new.system_id and person_id = new.person_id;
  return null;
end
$$;
create or replace trigger people_erase after insert or update on public.people
  for each row execute function public.erase_person();

-- What Realtime reports of the tables above. Records are below.
do $$
declare
  wanted text;
begin
  if not exists (select from pg_catalog.pg_publication where pubname = 'supabase_realtime') then return; end if;
  foreach wanted in array '{allowance_grants,people,punch_corrections}'::text[] loop
    if not exists (
      select from pg_catalog.pg_publication_tables
      where pubname = 'supabase_realtime' and schemaname = 'public' and tablename = wanted
    ) then
      execute format('alter publication supabase_realtime add table public.%I', wanted);
    end if;
  end loop;
end
$$;

-- ---------------------------------------------------------------------------------------------------------------
-- Events. `seq` orders a mode's events of one system; `idempotency_key` makes a repeated flush harmless.

create table if not exists public.zoe_events (
  id uuid not null,
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
  idempotency_key text not null,
  created_at timestamptz not null default now(),
  primary key (system_id, id),
  unique (system_id, mode, idempotency_key)
);
create index if not exists zoe_events_mode_seq on public.zoe_events (system_id, mode, seq desc);

create table if not exists public.zoe_health (
  system_id text not null,
  mode text not null,
  last_flush_ts timestamptz not null,
  primary key (system_id, mode)
);

-- ---------------------------------------------------------------------------------------------------------------
-- Records, edited on either side.

create table if not exists public.projects (
  id text not null,
  system_id text not null,
  name text,
  status text,
  data jsonb default '{}',
  updated_at timestamptz not null default now(),
  deleted_at timestamptz,
  received_at timestamptz not null default clock_timestamp(),
  primary key (system_id, id)
);
create table if not exists public.tasks (
  id text not null,
  system_id text not null,
  project_id text,
  title text,
  status text,
  data jsonb default '{}',
  updated_at timestamptz not null default now(),
  deleted_at timestamptz,
  received_at timestamptz not null default clock_timestamp(),
  primary key (system_id, id),
  foreign key (system_id, project_id) references public.projects on delete cascade on update cascade
);
create index if not exists tasks_project on public.tasks (system_id, project_id);
create table if not exists public.results (
  id text not null,
  system_id text not null,
  task_id text,
  status text,
  data jsonb default '{}',
  updated_at timestamptz not null default now(),
  deleted_at timestamptz,
  received_at timestamptz not null default clock_timestamp(),
  primary key (system_id, id),
  foreign key (system_id, task_id) references public.tasks on delete cascade on update cascade
);
create index if not exists results_task on public.results (system_id, task_id);

-- The last write wins by `updated_at`, and the server is the one who says so: a plain upsert would let the last to
-- arrive win, and an edit made offline days ago would undo a newer one.
create or replace function public.last_write_wins() returns trigger
language plpgsql set search_path = '' as $$
declare
  -- Milliseconds, as the agents write them: a finer stamp would come back to them changed.
  here timestamptz := date_trunc('milliseconds', clock_timestamp());
begin
  if tg_op = 'UPDATE' then
    new.received_at := old.received_at;
    -- `*=` compares any type, also json.
    if new operator(pg_catalog.*=) old then return null; end if;
    -- An edit that left the stamp alone (a web page's UPDATE of one column, a foreign key's cascade) is made now.
    if new.updated_at is not distinct from old.updated_at then
      new.updated_at := greatest(here, old.updated_at + interval '1 millisecond');
    end if;
  end if;
  -- A clock that runs ahead must not win for ever. What is there may be as far ahead; its next version is later still.
  if new.updated_at is null
     or new.updated_at > greatest(here + interval '5 minutes', old.updated_at + interval '1 millisecond') then
    new.updated_at := here;
  end if;
  new.updated_at := date_trunc('milliseconds', new.updated_at);
  if tg_op = 'UPDATE' and new.updated_at < old.updated_at then return null; end if;
  -- What the agents read by: when a row came, not when it was edited, which may be days before.
  new.received_at := clock_timestamp();
  return new;
end
$$;

-- A row that is added without a stamp of its own, or that moves, replaces the tombstone of its key. An agent stamps what
-- it sends: its upsert finds the tombstone and is compared with it.
create or replace function public.make_room() returns trigger
language plpgsql set search_path = '' as $$
declare
  key text := tg_argv[0];
  grave text := format('%s where system_id = ($1).system_id and %I = ($1).%2$I and deleted_at is not null',
    tg_relid::regclass, key);
  buried timestamptz;
begin
  execute 'select updated_at from ' || grave into buried using new;
  if buried is not null then
    execute 'delete from ' || grave using new;
    new.updated_at := greatest(new.updated_at, buried + interval '1 millisecond');
  end if;
  return new;
end
$$;

-- The tables of records.
create or replace function public.clockblock_record_tables() returns setof regclass
language sql stable set search_path = '' as $$
  select tgrelid::regclass from pg_trigger
  where tgfoid = 'public.last_write_wins()'::regprocedure and tgparentid = 0
$$;

-- The foreign keys of a table, or to it; `condition` is on rows named `parent` and `child`, `columns` are the child's
-- but for the system, which a row keeps.
create or replace function public.clockblock_foreign_keys(
  of_child regclass default null, of_parent regclass default null
) returns table (
  name name, child regclass, parent regclass, on_delete "char", deferred boolean, columns name[], is_set text,
  condition text
)
-- Not in SQL: that would be planned at every call, which takes longer than all the rest of a deletion.
language plpgsql stable set search_path = '' as $$
begin
  return query
  select link.conname, link.conrelid::regclass, link.confrelid::regclass, link.confdeltype, link.condeferred,
    coalesce(array_agg(here.attname order by pair.place) filter (where here.attname <> 'system_id'), '{}'),
    string_agg(format('child.%I is not null', here.attname), ' and '),
    string_agg(format('parent.%I operator(%I.%s) child.%I', there.attname, nspname, oprname, here.attname), ' and ')
  from pg_constraint link
  cross join lateral unnest(link.conkey, link.confkey, link.conpfeqop) with ordinality pair (here, there, equals, place)
  join pg_attribute here on here.attrelid = link.conrelid and here.attnum = pair.here
  join pg_attribute there on there.attrelid = link.confrelid and there.attnum = pair.there
  join pg_operator on pg_operator.oid = pair.equals
  join pg_namespace on pg_namespace.oid = oprnamespace
  where link.contype = 'f' and link.conparentid = 0 and (link.conrelid = of_child or link.confrelid = of_parent)
  group by link.oid, link.conname, link.conrelid, link.confrelid, link.confdeltype, link.condeferred;
end
$$;

-- A plain DELETE becomes a tombstone: a row that is gone could not be told to agents that are away. It is an UPDATE,
-- the same that an agent makes of a deletion. Deleting a tombstone removes it.
create or replace function public.keep_tombstone() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  key text := tg_argv[0];
  link record;
  gone boolean;
  orphaned name[] := '{}';
  cleared text;
  rows_kept bigint;
begin
  -- Where a table that is none of records deletes by cascade, its row is gone by now: what is kept cannot refer to it.
  for link in select * from public.clockblock_foreign_keys(of_child => tg_relid) loop
    execute format(
      'select exists (select from (select ($1).*) child where %s and not exists (select from %s parent where %s))',
      link.is_set, link.parent, link.condition
    ) into gone using old;
    continue when not gone;
    -- The row's own key is that of the row that is gone.
    if link.columns <@ array[key]::name[] then return old; end if;
    orphaned := orphaned || array_remove(link.columns, key::name);
  end loop;
  if old.deleted_at is not null and orphaned = '{}' then return old; end if;
  select coalesce(string_agg(distinct format(', %I = null', orphan), ''), '') into cleared from unnest(orphaned) orphan;
  execute format(
    'update %s set deleted_at = coalesce(deleted_at, now()), updated_at = greatest($2, updated_at + interval %L)%s
     where system_id = ($1).system_id and %I = ($1).%4$I',
    tg_relid::regclass, '1 millisecond', cleared, key
  ) using old, date_trunc('milliseconds', clock_timestamp());
  get diagnostics rows_kept = row_count;
  -- A row of no system, or without a key, is known to no agent.
  return case when rows_kept = 0 then old end;
end
$$;

-- What DELETE would have done to the rows that refer to the deleted ones. After the statement: a row that the statement
-- has still to come to must not be changed under it. The time is what tells its tombstones from those of others: a
-- machine's stamp is in whole milliseconds.
create or replace function public.follow_tombstones() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  link record;
  affected text;
  any_row boolean;
begin
  -- Cascades before what would refuse: a row that goes refuses nothing.
  for link in
    select *, position(on_delete::text in 'cndra') as place from public.clockblock_foreign_keys(of_parent => tg_relid)
    order by place
  loop
    affected := format(
      'exists (select from %s parent where parent.deleted_at = now() and parent.received_at >= now() and %s)',
      tg_relid::regclass, link.condition
    );
    if link.child in (select public.clockblock_record_tables()) then
      affected := 'child.deleted_at is null and ' || affected;
    end if;
    -- Also ends the recursion.
    execute format('select exists (select from %s child where %s)', link.child, affected) into any_row;
    continue when not any_row;
    case link.on_delete
      when 'c' then
        execute format('delete from %s child where %s', link.child, affected);
      when 'n', 'd' then
        execute format('update %s child set %s where %s', link.child,
          (select string_agg(format('%I = %s', name, case link.on_delete when 'n' then 'null' else 'default' end), ', ')
           from unnest(link.columns) name), affected);
      else
        if not link.deferred then
          raise exception 'update or delete on table "%" violates foreign key constraint "%" on table "%"',
            tg_table_name, link.name, link.child using errcode = 'foreign_key_violation';
        end if;
    end case;
  end loop;
  return null;
end
$$;

-- A row that goes to another system, or gets another key, leaves a tombstone where it was: the agent that had it reads
-- that place alone. Rows that refer to it follow by their foreign keys (ON UPDATE CASCADE).
create or replace function public.leave_tombstone() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  key text := tg_argv[0];
  changed name[] := case when old.system_id is distinct from new.system_id then '{system_id}' else '{}' end;
  links name[];
  clash regclass;
  names text;
  contents text;
begin
  -- Was nobody's.
  if old.system_id is null then return null; end if;
  if to_jsonb(old) -> key is distinct from to_jsonb(new) -> key then changed := changed || key::name; end if;
  select indexrelid::regclass into clash from pg_index
  where indrelid = tg_relid and indisunique and indpred is null and not exists (
    select from pg_attribute where attrelid = tg_relid and attnum = any (indkey) and attname = any (changed)
  )
  limit 1;
  if clash is not null then
    raise exception 'A row of % cannot get another %: the unique index % does not hold it',
        tg_relid::regclass, array_to_string(changed, ', '), clash
      using hint = format('The row leaves a tombstone with its other values. Make the index hold system_id (a primary '
        'key: alter table %s drop constraint …, add primary key (system_id, %I);), or delete the row and insert it '
        'again with another key.', tg_relid::regclass, key);
  end if;
  select array_agg(linked) into links
  from public.clockblock_foreign_keys(of_child => tg_relid) link cross join unnest(link.columns) linked
  where linked <> key;
  select string_agg(quote_ident(attname), ', '), string_agg(
      case
        when attname = 'deleted_at' then 'now()'
        when attname = 'updated_at' then 'greatest($2, ($1).updated_at + interval ''1 millisecond'')'
        when attname = any (links) then 'null'
        else format('($1).%I', attname)
      end, ', ')
    into names, contents
  from pg_attribute where attrelid = tg_relid and attnum > 0 and not attisdropped and attgenerated = '';
  execute format('insert into %s (%s) overriding system value select %s', tg_relid::regclass, names, contents)
    using old, date_trunc('milliseconds', clock_timestamp());
  return null;
end
$$;

-- Makes a table of yours a table of records, also one that has rows already:
--   select clockblock_records('invoices');
--   select clockblock_records('parts', 'part_no');
--   select clockblock_records('invoices', system => 'pc-1');   -- whose the rows are that it has
create or replace function public.clockblock_records(table_name text, key text default 'id', system text default null)
returns void
language plpgsql set search_path = '' as $$
declare
  target regclass := to_regclass(format('public.%I', table_name));
  -- Of indexes; a name has 63 bytes at most.
  prefix text := case when octet_length(table_name) <= 50 then table_name else md5(table_name) end;
  missing text[];
  unique_by_key boolean;
  unique_by_system boolean;
  is_new boolean;
  unowned bigint;
  systems text[];
  part record;
begin
  if target is null or (select relkind <> 'r' or relispartition from pg_class where oid = target) then
    raise exception 'There is no plain table % in schema public', quote_ident(table_name)
      using hint = 'Create it first, not as a view and not partitioned, and give its name without a schema.';
  end if;
  if not exists (select from pg_attribute where attrelid = target and attname = key and attnum > 0) then
    raise exception 'Table % has no column %', target, quote_ident(key)
      using hint = format('Name the column of its key: select clockblock_records(%L, ''…'');', table_name);
  end if;
  for part in
    select name, wanted, atttypid::regtype as found
    from (values
      ('system_id', 'text'), ('updated_at', 'timestamptz'), ('deleted_at', 'timestamptz'), ('received_at', 'timestamptz')
    ) needed (name, wanted)
    join pg_attribute on attrelid = target and attname = name
    where atttypid <> wanted::regtype and (wanted <> 'text' or atttypid <> 'varchar'::regtype)
  loop
    raise exception 'Column % of table % is of type %, not %', part.name, target, part.found, part.wanted
      using hint = format('alter table %s alter column %I type %s using …;', target, part.name, part.wanted);
  end loop;
  -- What an upsert finds a row by: a unique index that is whole, of plain columns, and checked at once.
  select coalesce(bool_or(columns = array[key]), false), coalesce(bool_or(columns = wanted), false)
    into unique_by_key, unique_by_system
  from (select array_agg(name order by name) from unnest(array[key, 'system_id']) name) wanted (wanted), pg_index
  cross join lateral (
    select array_agg(attname::text order by attname::text)
    from pg_attribute where attrelid = target and attnum = any (indkey[0:indnkeyatts - 1])
  ) held (columns)
  where indrelid = target and indisunique and indisvalid and indimmediate and indpred is null and indexprs is null;
  if not unique_by_key and not unique_by_system then
    raise exception 'Table % has no unique key on %', target, quote_ident(key)
      using hint = format('Records are known by their key. Where two systems may have the same one: '
        'alter table %s add unique (system_id, %I); otherwise: alter table %1$s add unique (%2$I);', target, key);
  end if;

  missing := array(
    select name from unnest(array['system_id', 'updated_at', 'deleted_at', 'received_at']) name
    where not exists (select from pg_attribute where attrelid = target and attname = name)
  );
  is_new := target not in (select public.clockblock_record_tables());
  -- It would stamp what is filled in here, and comes back below.
  execute format('drop trigger if exists last_write_wins on %s', target);
  execute format('alter table %s
    add column if not exists system_id text, add column if not exists updated_at timestamptz,
    add column if not exists deleted_at timestamptz, add column if not exists received_at timestamptz', target);
  execute format('select count(*) from %s where system_id is null', target) into unowned;
  -- Later, such rows are the account's own: work that no system has yet.
  if unowned > 0 and (is_new or system is not null) then
    systems := array(select distinct system_id from public.system_members);
    if system is null and cardinality(systems) <> 1 then
      raise exception 'Cannot fill system_id in table %: it has % rows without one, and there are % systems',
          target, unowned, cardinality(systems)
        using hint = format('Name the system: select clockblock_records(%L, %L, system => ''…'');', table_name, key);
    end if;
    execute format('update %s set system_id = $1 where system_id is null', target) using coalesce(system, systems[1]);
  end if;
  execute format('update %s set updated_at = coalesce(updated_at, date_trunc(''milliseconds'', now())),
    received_at = coalesce(received_at, clock_timestamp()) where updated_at is null or received_at is null', target);
  execute format('alter table %s alter column updated_at set not null, alter column received_at set not null', target);
  if 'system_id' = any (missing) then
    execute format('alter table %s alter column system_id set not null', target);
  end if;
  if 'updated_at' = any (missing) then
    execute format('alter table %s alter column updated_at set default now()', target);
  end if;
  if 'received_at' = any (missing) then
    execute format('alter table %s alter column received_at set default clock_timestamp()', target);
  end if;

  -- What an agent's upsert names; what a pull reads in order; what a purge looks for.
  if not unique_by_system then execute format('create unique index on %s (system_id, %I)', target, key); end if;
  execute format('create index if not exists %I on %s (system_id, received_at, %I)', prefix || '_pull', target, key);
  execute format('create index if not exists %I on %s (received_at) where deleted_at is not null',
    prefix || '_tombstones', target);

  -- A tombstone refers to nothing that is gone: what must be set is asked of rows that are there.
  for part in
    select distinct attname from public.clockblock_foreign_keys(of_child => target) link
    join pg_attribute on attrelid = target and attname = any (link.columns)
    where attnotnull and attname <> key
  loop
    execute format('alter table %s alter column %I drop not null,
      add check (%2$I is not null or deleted_at is not null)', target, part.attname);
  end loop;
  -- An agent brings the keys that it gave.
  if exists (select from pg_attribute where attrelid = target and attname = key and attidentity = 'a') then
    execute format('alter table %s alter column %I set generated by default', target, key);
  end if;

  -- Triggers of one kind run in the order of their names.
  execute format('create or replace trigger free_key before insert on %s for each row
    when (new.updated_at is null or new.updated_at = now()) execute function public.make_room(%L)', target, key);
  execute format('create or replace trigger last_write_wins before insert or update on %s
    for each row execute function public.last_write_wins(%L)', target, key);
  execute format('create or replace trigger make_room before update on %s for each row
    when (old.system_id is distinct from new.system_id or old.%I is distinct from new.%2$I)
    execute function public.make_room(%L)', target, key, key);
  execute format('create or replace trigger leave_tombstone after update on %s for each row
    when (old.system_id is distinct from new.system_id or old.%I is distinct from new.%2$I)
    execute function public.leave_tombstone(%L)', target, key, key);
  execute format('create or replace trigger keep_tombstone before delete on %s
    for each row execute function public.keep_tombstone(%L)', target, key);
  execute format('create or replace trigger follow_tombstones after delete on %s
    for each statement execute function public.follow_tombstones()', target);

  -- Tombstones stay visible: a deletion that a policy hides would never reach the other side.
  perform public.clockblock_allow(target, 'system_id', '{select,insert,update,delete}');
  for part in
    select distinct pg_class.oid::regclass as sequence
    from pg_class join pg_depend on pg_depend.objid = pg_class.oid and pg_depend.classid = 'pg_class'::regclass
    where relkind = 'S' and refclassid = 'pg_class'::regclass and refobjid = target and deptype in ('a', 'i')
  loop
    execute format('revoke all on sequence %s from public, anon, authenticated', part.sequence);
    execute format('grant usage on sequence %s to authenticated', part.sequence);
    execute format('grant all on sequence %s to service_role', part.sequence);
  end loop;

  if exists (select from pg_publication where pubname = 'supabase_realtime')
     and not exists (
       select from pg_publication_tables
       where pubname = 'supabase_realtime' and schemaname = 'public' and tablename = table_name
     )
  then
    -- Published without a primary key, a table refuses every UPDATE.
    if not exists (select from pg_index where indrelid = target and (indisprimary or indisreplident)) then
      execute format('alter table %s replica identity full', target);
    end if;
    execute format('alter publication supabase_realtime add table %s', target);
  end if;
end
$$;
select public.clockblock_records('projects'), public.clockblock_records('tasks'), public.clockblock_records('results');

-- Tables of yours that 0.1.0 made tables of records: their triggers have no key yet.
do $$
declare
  old record;
begin
  for old in
    select relname as name, coalesce((
        select attname from pg_catalog.pg_index
        join pg_catalog.pg_attribute on attrelid = indrelid and attnum = indkey[2]
        where indexrelid = to_regclass(format('public.%I', relname || '_pull'))
      ), 'id') as key
    from pg_catalog.pg_trigger join pg_catalog.pg_class on pg_class.oid = tgrelid
    where tgfoid = 'public.last_write_wins()'::regprocedure and tgnargs = 0 and tgparentid = 0
  loop
    begin
      perform public.clockblock_records(old.name, old.key);
    exception when others then
      raise warning 'Table % stays as it is: %. When that is right: select clockblock_records(%, %);',
        old.name, sqlerrm, quote_literal(old.name), quote_literal(old.key);
    end;
  end loop;
end
$$;

-- Removes old tombstones for good; call it daily (pg_cron). An agent that was away for longer reads everything again. A
-- tombstone that a row refers to stays, so nothing is removed by cascade; one that refers to it may go first, and then
-- it goes in the next pass.
create or replace function public.purge_tombstones(older_than interval default '90 days') returns bigint
language plpgsql security definer set search_path = '' as $$
declare
  purged bigint := 0;
  this_pass bigint;
  one bigint;
  target regclass;
  doomed text;
begin
  loop
    this_pass := 0;
    for target in select public.clockblock_record_tables() loop
      doomed := format('from %s parent where deleted_at is not null and received_at < $1', target);
      -- Locked first: a row that comes to refer to one of them meanwhile is seen below.
      execute 'select ' || doomed || ' for update' using now() - older_than;
      execute 'delete ' || doomed || coalesce((
          select string_agg(format(' and not exists (select from %s child where %s)', child, condition), '')
          from public.clockblock_foreign_keys(of_parent => target)
        ), '') using now() - older_than;
      get diagnostics one = row_count;
      this_pass := this_pass + one;
    end loop;
    exit when this_pass = 0;
    purged := purged + this_pass;
  end loop;
  return purged;
end
$$;

-- ---------------------------------------------------------------------------------------------------------------
-- Who may do what. Nobody may without an account (`anon`); records are above, by `clockblock_records`.

alter table public.system_members enable row level security;
drop policy if exists "members see their systems" on public.system_members;
create policy "members see their systems" on public.system_members
  for select to authenticated using (user_id = (select auth.uid()));
revoke all on table public.system_members from public, anon, authenticated;
grant select on table public.system_members to authenticated;
grant all on table public.system_members to service_role;

select
  public.clockblock_allow('public.heartbeats', 'device_id', '{select,insert}'),
  public.clockblock_allow('public.allowances', 'device_id', '{select,insert,update,delete}'),
  public.clockblock_allow('public.daily_rollups', 'device_id', '{select}'),
  public.clockblock_allow('public.allowance_grants', 'system_id', '{select,insert}'),
  public.clockblock_allow('public.devices', 'system_id', '{select,insert,update}'),
  public.clockblock_allow('public.punches', 'system_id', '{select,insert,update}'),
  public.clockblock_allow('public.people', 'system_id', '{select,insert,update}'),
  public.clockblock_allow('public.punch_corrections', 'system_id', '{select,insert}'),
  public.clockblock_allow('public.zoe_events', 'system_id', '{select,insert}'),
  public.clockblock_allow('public.zoe_health', 'system_id', '{select,insert,update}');
revoke all on table public.fleet from public, anon, authenticated;
grant select on table public.fleet to authenticated;
grant all on table public.fleet to service_role;
select public.clockblock_allow(inhrelid::regclass, null, '{}')
from pg_catalog.pg_inherits where inhparent = 'public.heartbeats'::regclass;

do $$
declare
  callable regprocedure;
begin
  for callable in
    select oid from pg_catalog.pg_proc
    where pronamespace = 'public'::regnamespace and proname in (
      'is_member', 'my_systems', 'register_system', 'make_heartbeat_partitions', 'purge_tombstones',
      'clockblock_records', 'clockblock_allow', 'clockblock_record_tables', 'clockblock_foreign_keys',
      'roll_up_heartbeats', 'reckon_overdraft', 'granted_minutes', 'count_grants', 'stamp_received', 'erase_person',
      'last_write_wins', 'make_room', 'keep_tombstone', 'follow_tombstones', 'leave_tombstone'
    )
  loop
    execute format('revoke execute on function %s from public, anon, authenticated', callable);
    execute format('grant execute on function %s to service_role', callable);
  end loop;
end
$$;
grant execute on function public.is_member(text), public.my_systems(), public.register_system(text) to authenticated;
