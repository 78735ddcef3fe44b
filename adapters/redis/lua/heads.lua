-- Read the heads of leased lanes. It changes nothing.
--
-- KEYS: for each lane its incident's hash and tasks
-- ARGV: for each lane its class and destination; 'wake' for a wake-up
-- Answers for each lane {task} or {due, attempt, revision} of the wake-up, and
-- {} where nothing is owed.
local all = {}
for n = 1, #ARGV, 2 do
  local found = {}
  if ARGV[n] == WAKE_CLASS and ARGV[n + 1] == 'wake' then
    local h = redis.call('HMGET', KEYS[n], 'wd', 'wt', 'wr')
    if h[1] and h[1] ~= '' then found = h end
  else
    local name = ARGV[n] .. '|' .. ARGV[n + 1]
    local both = redis.call('HGET', KEYS[n + 1], 'L' .. name)
    if both then found = { redis.call('HGET', KEYS[n + 1], 'T' .. name .. '|' .. string.match(both, '^%d+')) } end
  end
  all[#all + 1] = found
end
return all
