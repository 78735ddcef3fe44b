-- Compare the agenda with what one incident owes, and correct it where it differs
-- (E1: the incident's record is the truth; E13: the auditor repairs and reports).
--
-- KEYS: the common ones, then 1 the incident's hash, 2 its tasks
-- ARGV, after the name of the call:
--   number, at, a minute before (19 digits each)
--   the number of members of listed with this number, whether or not they belong
--     there, each
--   lanes that are in the agenda, whether or not anything is owed in them, each:
--     class, destination
-- Answers how many tasks are overdue by more than a minute and not leased, 1 when
-- the incident must be listed anew, which takes its state (list.lua), and then what
-- was wrong, one line each.
local number, at, overdue = next_arg(), next_arg(), next_arg()
local members = {}
for n = 1, tonumber(next_arg()) do members[n] = next_arg() end
local i = read_incident(key(1))
local found, late, expected = {}, 0, {}
local function report(text) found[#found + 1] = text end

if i and not i.compact then
  local due = i.md
  if due == '' or (i.wa ~= '' and i.wa < due) then due = i.wa end
  if i.wd ~= due and (i.wt == 0 or i.wd == '' or due == '') then -- a wake-up that was postponed may be later
    report('the standing wake-up was at ' .. (i.wd == '' and 'no instant' or i.wd) .. ' instead of ' .. (due == '' and 'no instant' or due))
    set_wake_up(i)
    write_incident(key(1), i)
  end
  expected[#expected + 1] = { WAKE_CLASS, WAKE, i.wd }
  for _, name in ipairs(redis.call('HKEYS', key(2))) do
    if string.sub(name, 1, 1) == 'L' then
      local class, destination = string.match(name, '^L(%d+)|(.*)$')
      local first = lane_bounds(key(2), string.sub(name, 2))
      local task = redis.call('HGET', key(2), task_field(string.sub(name, 2), first))
      if DUE[class] then expected[#expected + 1] = { class, destination, string.sub(task, 1, 19) } end
    end
  end
end
for n = last_arg + 1, #ARGV, 2 do
  local owed = false
  for _, e in ipairs(expected) do owed = owed or e[1] == ARGV[n] and e[2] == ARGV[n + 1] end
  if not owed then expected[#expected + 1] = { ARGV[n], ARGV[n + 1], '' } end
end

for _, e in ipairs(expected) do
  local class, lane, due = e[1], lane_name(number, e[2]), e[3]
  local lease = redis.call('HGET', LEASES, class .. '|' .. lane)
  local indexed = redis.call('ZSCORE', DUE[class], lane)
  local leased = redis.call('ZSCORE', LEASED[class], lane)
  local text = 'lane ' .. class .. ' ' .. e[2] .. ': '
  if due == '' then
    if indexed or leased then
      report(text .. 'in the agenda, with nothing owed')
      set_due(class, lane, '')
    end
  else
    local want = tonumber(score(due))
    local ends = lease and tonumber(score(latest(string.sub(lease, 1, 19), due)))
    if not indexed and not leased then
      report(text .. 'missing from the agenda')
      set_due(class, lane, due)
    elseif indexed and tonumber(indexed) ~= want or leased and tonumber(leased) ~= ends then
      report(text .. 'in the agenda at another instant than ' .. due)
      set_due(class, lane, due)
    end
    if due < overdue and not (lease and string.sub(lease, 1, 19) > at) then late = late + 1 end
  end
end
if i then
  local function correct(set, wanted, scored)
    if wanted == (redis.call('ZSCORE', set, number) == false) then
      if wanted then redis.call('ZADD', set, scored, number) else redis.call('ZREM', set, number) end
      if set ~= OWING then report('in the wrong list of incidents') end
    end
  end
  local changed = redis.call('HGET', key(1), 'c')
  changed = changed and changed ~= '' and score(changed) or '1'
  correct(ALL, true, number)
  correct(OPEN, i.o == '1', number)
  correct(ENDED, i.o ~= '1' and not i.compact, changed)
  correct(ARCHIVED, i.compact and true or false, changed)
  correct(OWING, not i.compact and (i.wd ~= '' or redis.call('EXISTS', key(2)) == 1), number)
  local newest = redis.call('ZREVRANGE', ALL, 0, 0)[1]
  if tonumber(redis.call('GET', LAST_NUMBER) or '0') < tonumber(newest) then redis.call('SET', LAST_NUMBER, newest) end
end
if not i then
  for _, set in ipairs({ ALL, OPEN, OWING, ENDED, ARCHIVED }) do
    if redis.call('ZREM', set, number) == 1 and set ~= OWING then report('in a list of incidents, but it does not exist') end
  end
end
local belongs, unlisted = {}, '0'
if i and i.o == '1' then
  belongs = listed_members(number, i.l)
  local version = string.match(i.l, '^(%d+) ')
  if tonumber(version) ~= i.v then
    unlisted = '1'
    report('its place in the lists was that of another version')
  else
    local missing = 0
    for member in pairs(belongs) do missing = missing + redis.call('ZADD', LISTED, 0, member) end
    if missing > 0 then report('missing from the lists of open incidents') end
  end
elseif i and i.l ~= '' then
  report('in the lists of open incidents, but it has ended')
  set_listing(number, i, '')
  redis.call('HSET', key(1), 'l', '')
end
for _, member in ipairs(members) do
  if not belongs[member] and redis.call('ZREM', LISTED, member) == 1 then report('in a wrong place in the lists of open incidents') end
end
table.insert(found, 1, unlisted)
table.insert(found, 1, string.format('%.0f', late))
return answer(found)
