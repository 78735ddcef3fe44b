-- Compare the agenda's index with what one incident owes, and write it again
-- where it differs (rules E1, E13).
--
-- KEYS: the common ones, then 1 the incident's hash, 2 its tasks
-- ARGV, after the call:
--   number, at, a minute before (19 digits each)
--   lanes that the index has, whether or not anything is owed in them: class
--     and destination each
-- Answers how many tasks are past their deadline by more than a minute and not
-- leased, and then what was wrong, a line each.
local number, at, overdue = take(), take(), take()
local h = head(key(1))
local wrong, late, should = {}, 0, {}
local function note(text) wrong[#wrong + 1] = text end

if h and not h.shelved then
  local due = h.md
  if due == '' or (h.wa ~= '' and h.wa < due) then due = h.wa end
  if h.wd ~= due and (h.wt == 0 or h.wd == '' or due == '') then -- one that was put off may be later
    note('the standing wake-up was at ' .. (h.wd == '' and 'no instant' or h.wd) .. ' instead of ' .. (due == '' and 'no instant' or due))
    wake(h)
    put_head(key(1), h)
  end
  should[#should + 1] = { WAKE_CLASS, WAKE, h.wd }
  for _, name in ipairs(redis.call('HKEYS', key(2))) do
    if string.sub(name, 1, 1) == 'L' then
      local class, destination = string.match(name, '^L(%d+)|(.*)$')
      local first = bounds(key(2), string.sub(name, 2))
      local task = redis.call('HGET', key(2), position(string.sub(name, 2), first))
      if DUE[class] then should[#should + 1] = { class, destination, string.sub(task, 1, 19) } end
    end
  end
end
for n = at_arg + 1, #ARGV, 2 do
  local owed = false
  for _, s in ipairs(should) do owed = owed or s[1] == ARGV[n] and s[2] == ARGV[n + 1] end
  if not owed then should[#should + 1] = { ARGV[n], ARGV[n + 1], '' } end
end

for _, s in ipairs(should) do
  local class, name, due = s[1], lane(number, s[2]), s[3]
  local held = redis.call('HGET', LEASE, class .. '|' .. name)
  local says = redis.call('ZSCORE', DUE[class], name)
  local leased = redis.call('ZSCORE', LEASED[class], name)
  local text = 'lane ' .. class .. ' ' .. s[2] .. ': '
  if due == '' then
    if says or leased then
      note(text .. 'in the agenda, with nothing owed')
      index(class, name, '')
    end
  else
    local want = tonumber(score(due))
    local ends = held and tonumber(score(later(string.sub(held, 1, 19), due)))
    if not says and not leased then
      note(text .. 'missing from the agenda')
      index(class, name, due)
    elseif says and tonumber(says) ~= want or leased and tonumber(leased) ~= ends then
      note(text .. 'in the agenda at another instant than ' .. due)
      index(class, name, due)
    end
    if due < overdue and not (held and string.sub(held, 1, 19) > at) then late = late + 1 end
  end
end
if h then
  local function is(set, wanted, scored)
    if wanted == (redis.call('ZSCORE', set, number) == false) then
      if wanted then redis.call('ZADD', set, scored, number) else redis.call('ZREM', set, number) end
      if set ~= OWING then note('listed among the wrong incidents') end
    end
  end
  local changed = redis.call('HGET', key(1), 'ch')
  changed = changed and score(changed) or '1'
  is(ALL, true, number)
  is(OPEN, h.o == '1', number)
  is(OVER, h.o ~= '1' and not h.shelved, changed)
  is(SHELF, h.shelved and true or false, changed)
  is(OWING, not h.shelved and (h.wd ~= '' or redis.call('EXISTS', key(2)) == 1), number)
  local newest = redis.call('ZREVRANGE', ALL, 0, 0)[1]
  if tonumber(redis.call('GET', NUMBER) or '0') < tonumber(newest) then redis.call('SET', NUMBER, newest) end
end
if not h then
  for _, set in ipairs({ ALL, OPEN, OWING, OVER, SHELF }) do
    if redis.call('ZREM', set, number) == 1 and set ~= OWING then note('listed, and not there') end
  end
end
table.insert(wrong, 1, string.format('%.0f', late))
return answer(wrong)
