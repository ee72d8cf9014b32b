-- Reads what arrives from candor, in SQLite 3.35 or newer with its mathematical functions (`select sqrt(2)`).
-- The page "Reading what arrives" of candor's manual says what each number means.
--
-- Load this file once. Then put each request's body in, and choose what to estimate:
--
--     insert into body values ('{"resourceLogs":[…]}');
--
--     delete from chosen;                                                    -- a total
--     insert into chosen select uid, 1, 1 from record where event = 'export.ended';
--     select * from total;
--
--     delete from chosen;                                                    -- a share: `part` says what is in it
--     insert into chosen select uid, value = 'false', 1 from record join field using (uid)
--         where event = 'export.ended' and name = 'ok';
--     select * from share;
--
--     delete from chosen;                                                    -- a ratio of two totals of other records
--     insert into chosen select uid, event = 'export.ended', event = 'started' from record
--         where event in ('export.ended', 'started');
--     select * from ratio;
--
--     delete from chosen_value; delete from step;                            -- a median: the field's values and its steps
--     insert into chosen_value select uid, cast(value as integer) from record join field using (uid)
--         where event = 'export.ended' and name = 'took';
--     insert into step values (0), (100), (1000), (10000);
--     select * from median;
--
-- Each view gives one row: value, low, high, records, capped. `low` and `high` are the ends of the 95 % interval. A value is
-- null if there is nothing to divide by.

create table record (
    uid text primary key,          -- `log.record.uid`: the same id again is the same record again
    event text not null,
    day integer not null,          -- the UTC day, counted from 1970-01-01: date(day * 86400, 'unixepoch')
    count integer not null,        -- of a roll-up the step to which the count was rounded, otherwise 1
    divisor integer not null,      -- of how many the reporter is one
    other integer not null         -- 1 if it sums the combinations that were not among the most frequent ones
);

create table field (
    uid text not null,
    name text not null,
    value text not null,
    primary key (uid, name)
);

-- What goes in here becomes rows of `record` and `field`. A record that arrives again changes nothing.
create view body (json) as select null where 0;

create trigger body_arrives instead of insert on body begin
    insert or ignore into record (uid, event, day, count, divisor, other)
    select
        (select json_extract(a.value, '$.value.stringValue') from json_each(r.value, '$.attributes') a
            where json_extract(a.value, '$.key') = 'log.record.uid'),
        json_extract(r.value, '$.eventName'),
        cast(json_extract(r.value, '$.timeUnixNano') as integer) / 86400000000000,
        coalesce((select cast(json_extract(a.value, '$.value.intValue') as integer) from json_each(r.value, '$.attributes') a
            where json_extract(a.value, '$.key') = 'count'), 1),
        (select cast(json_extract(a.value, '$.value.intValue') as integer) from json_each(r.value, '$.attributes') a
            where json_extract(a.value, '$.key') = 'candor.divisor'),
        exists (select 1 from json_each(r.value, '$.attributes') a where json_extract(a.value, '$.key') = 'candor.other')
    from json_each(new.json, '$.resourceLogs') rl, json_each(rl.value, '$.scopeLogs') sl, json_each(sl.value, '$.logRecords') r
    where json_extract(r.value, '$.eventName') <> 'candor.erasure';

    insert or ignore into field (uid, name, value)
    select
        (select json_extract(b.value, '$.value.stringValue') from json_each(r.value, '$.attributes') b
            where json_extract(b.value, '$.key') = 'log.record.uid'),
        json_extract(a.value, '$.key'),
        (select case v.type when 'true' then 'true' when 'false' then 'false' else cast(v.value as text) end
            from json_each(a.value, '$.value') v)
    from json_each(new.json, '$.resourceLogs') rl, json_each(rl.value, '$.scopeLogs') sl, json_each(sl.value, '$.logRecords') r,
        json_each(r.value, '$.attributes') a
    where json_extract(r.value, '$.eventName') <> 'candor.erasure'
        and json_extract(a.value, '$.key') not in ('log.record.uid', 'candor.divisor', 'candor.other', 'count');
end;

-- What to estimate. `part` and `whole` are 0 or 1.
create table chosen (uid text primary key, part integer not null, whole integer not null);
create table chosen_value (uid text primary key, value integer not null);
create table step (low integer primary key);

-- Of each record: what it counts for, and the variances of rounding and of sampling.
create view weighed as
select
    uid, count, 1.0 * count * divisor as weight,
    case when count < 3 then 0.0 else divisor * (count - 1.0) * (count - 1.0) / 9.0 end as rounding,
    divisor * (divisor - 1.0) * count * count as sampling,
    count >= 1048577 as capped
from record;

create view total as
with sums as (
    select count(*) as records, sum(capped) as capped, sum(weight) as total, sum(sampling) as sampling,
        coalesce(sum(rounding) + 1.25 * sum(rounding * rounding) / nullif(sum(rounding), 0), 0.0) as rounding
    from chosen join weighed using (uid)
), lifted as (
    select *, 1.959963984540054 * 1.959963984540054 as zz,
        1.959963984540054 * 1.959963984540054 * sampling / total / 2 as lift from sums
)
select
    coalesce(total, 0.0) as value,
    coalesce(max(0.0, total + lift - sqrt(zz * (rounding + sampling) + lift * lift)), 0.0) as low,
    coalesce(total + lift + sqrt(zz * (rounding + sampling) + lift * lift), 0.0) as high,
    records, coalesce(capped, 0) as capped
from lifted;

create view share as
with it as (
    select * from chosen join weighed using (uid)
), sums as (
    select count(*) as records, sum(capped) as capped, sum(weight) as total, sum(sampling) as sampling,
        sum(part * weight) / sum(weight) as value
    from it
), around as (
    select sum(rounding * k * k) as rounding, sum(rounding * rounding * k * k * k * k) as squares, sum(sampling * k * k) as sampling
    from (select rounding, sampling, part - (select value from sums) as k from it)
), parts as (
    select records, capped, value, value * (1 - value) as spread,
        coalesce(around.rounding + 1.25 * squares / nullif(around.rounding, 0), 0.0) / (total * total) as rounding,
        1.959963984540054 * 1.959963984540054 as zz,
        1.959963984540054 * 1.959963984540054 * max(
            sums.sampling / (total * total),
            coalesce(around.sampling / (total * total) / nullif(value * (1 - value), 0), 0.0)
        ) as lift
    from sums, around
)
select
    value,
    max(0.0, (value + lift / 2 - sqrt(lift * lift / 4 + lift * spread + (1 + lift) * zz * rounding)) / (1 + lift)) as low,
    min(1.0, (value + lift / 2 + sqrt(lift * lift / 4 + lift * spread + (1 + lift) * zz * rounding)) / (1 + lift)) as high,
    records, coalesce(capped, 0) as capped
from parts;

create view ratio as
with it as (
    select * from chosen join weighed using (uid) where part + whole > 0
), sums as (
    select count(*) as records, sum(capped) as capped,
        coalesce(sum(part * weight), 0.0) as above, nullif(sum(whole * weight), 0) as below,
        sum(part * sampling) / nullif(sum(part * weight), 0) as per_above,
        sum(whole * sampling) / nullif(sum(whole * weight), 0) as per_below
    from it
), around as (
    select sum(rounding * k * k) as rounding, sum(rounding * rounding * k * k * k * k) as squares
    from (select rounding, part - whole * (select above / below from sums) as k from it)
), parts as (
    select records, capped, above / below as value,
        1.959963984540054 * 1.959963984540054 * coalesce(per_above, per_below) / below as up,
        1.959963984540054 * 1.959963984540054 * per_below / below as down,
        1.959963984540054 * 1.959963984540054
            * coalesce(rounding + 1.25 * squares / nullif(rounding, 0), 0.0) / (below * below) as rounding
    from sums, around
), solved as (
    select *, value + up / 2 as middle,
        (value + up / 2) * (value + up / 2) - (1 - down) * (value * value - rounding) as inside
    from parts
)
select
    value,
    case when down >= 1 or inside < 0 then 0.0 else max(0.0, (middle - sqrt(inside)) / (1 - down)) end as low,
    case when down >= 1 or inside < 0 then 9e999 else (middle + sqrt(inside)) / (1 - down) end as high,
    records, coalesce(capped, 0) as capped
from solved;

create view median as
with it as (
    select value, weight, rounding, sampling, capped from chosen_value join weighed using (uid)
    where value in (select low from step)
), sums as (
    select count(*) as records, sum(capped) as capped, sum(weight) as total,
        1.959963984540054 * sqrt((coalesce(sum(rounding) + 1.25 * sum(rounding * rounding) / nullif(sum(rounding), 0), 0.0)
            + sum(sampling)) / 4) / sum(weight) as half
    from it
), at as (
    select value as begin, sum(weight) as here, sum(sum(weight)) over (order by value) as upto,
        (select min(low) from step where low > it.value) as finish
    from it group by value
), ends as (
    -- The step in which the sum reaches the goal; the last one if none does.
    select total, records, capped,
        coalesce((select min(begin) from at where upto >= total / 2), (select max(begin) from at)) as middle,
        coalesce((select min(begin) from at where upto >= total * (0.5 - half)), (select max(begin) from at)) as low,
        coalesce((select min(begin) from at where upto >= total * (0.5 + half)), (select max(begin) from at)) as high
    from sums
)
select
    1.0 * middle + coalesce((m.finish - middle) * min(1.0, max(0.0, (total / 2 - m.upto + m.here) / m.here)), 0.0) as value,
    1.0 * low as low,
    coalesce(1.0 * h.finish, 9e999) as high,
    records, coalesce(capped, 0) as capped
from ends join at m on m.begin = middle join at h on h.begin = high;
