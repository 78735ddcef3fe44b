-- One batch of alerts, judged by Go on what it has read (bot/alerts): nothing
-- is written unless all of that still holds.
--
-- KEYS: the common ones, then the alerts, the groups and, for each incident
--   that opens or is named by an alert or gets mail: its hash, tasks, alerts
--   and firing alerts, as numbered by the arguments
-- ARGV, after the call:
--   channel, origin (of the feed)
--   how many alerts, each: key, revision that was read (''), value ('' as it
--     was), 1 when it fires, its ID, the incident it belonged to (key of its
--     alerts, key of those that fire; 0: none) and the one it belongs to
--   how many groups, each: key, value that was read (''), value ('' as it was)
--   the last number given out, as it was read ('')
--   how many incidents that open, each: key of the hash, number, what it
--     follows, stub, group
--   how many pieces of mail, each: key of the hash, key of the tasks, number,
--     at, at and the pause, body
-- Answers {what, number}: ok, changed (read again), shelved or missing, with
-- the number of the incident.
local channel, origin = take(), take()
local function list(width)
  local all = {}
  for n = 1, tonumber(take()) do
    all[n] = {}
    for k = 1, width do all[n][k] = take() end
  end
  return all
end
local alerts, groups, last, opens, mail = list(9), list(3), take(), list(5), list(6)
local function own_key(text) return key(tonumber(text)) end

for _, a in ipairs(alerts) do
  local now = redis.call('GETRANGE', own_key(a[1]), 0, REVISION - 1)
  if now ~= a[2] then return { 'changed' } end
end
for _, g in ipairs(groups) do
  if (redis.call('GET', own_key(g[1])) or '') ~= g[2] then return { 'changed' } end
end
if #opens > 0 and (redis.call('GET', NUMBER) or '') ~= last then return { 'changed' } end
local heads = {}
for _, o in ipairs(opens) do
  if redis.call('EXISTS', own_key(o[1])) == 1 then -- the last number was lost
    local newest = redis.call('ZREVRANGE', ALL, 0, 0)[1]
    if newest and tonumber(newest) > (tonumber(last) or 0) then redis.call('SET', NUMBER, newest) end
    return { 'changed' }
  end
  heads[o[2]] = { v = 0, o = '1', ms = 0, rs = 0, rn = '', md = '', wa = '', wr = 0, ww = '', wd = '', wt = 0 }
end
for _, m in ipairs(mail) do
  local h = heads[m[3]] or head(own_key(m[1]))
  if not h then return { 'missing', m[3] } end
  if h.shelved then return { 'shelved', m[3] } end
  heads[m[3]] = h
end

-- From here on everything is written.
for _, a in ipairs(alerts) do
  if a[3] ~= '' then
    redis.call('SET', own_key(a[1]), a[3])
    if a[4] ~= '1' then redis.call('PEXPIRE', own_key(a[1]), KEEP_ALERT) end
    if a[6] ~= '0' and a[6] ~= a[8] then
      redis.call('SREM', own_key(a[6]), a[5])
      redis.call('ZREM', own_key(a[7]), a[5])
    end
    if a[8] ~= '0' then
      redis.call('SADD', own_key(a[8]), a[5])
      if a[4] == '1' then
        redis.call('ZADD', own_key(a[9]), 0, a[5])
      else
        redis.call('ZREM', own_key(a[9]), a[5])
      end
    end
  end
end
for _, g in ipairs(groups) do
  if g[3] ~= '' then redis.call('SET', own_key(g[1]), g[3]) end
end
for _, o in ipairs(opens) do
  redis.call('HSET', own_key(o[1]), 'f', o[3], 'b', o[4], 'g', o[5])
  redis.call('ZADD', ALL, o[2], o[2])
  redis.call('ZADD', OPEN, o[2], o[2])
  redis.call('SET', NUMBER, o[2])
end
for _, m in ipairs(mail) do
  local h = heads[m[3]]
  h.ms = h.ms + 1
  redis.call('HSET', own_key(m[1]), string.format('m%.0f', h.ms), m[6])
  if h.md == '' then -- as alerts.MailDue
    h.md = m[4]
    if h.rn > h.md then h.md = h.rn end
    if h.md > m[5] then h.md = m[5] end
  end
  wake(h)
  put_head(own_key(m[1]), h)
  index(WAKE_CLASS, lane(m[3], WAKE), h.wd)
  owes(m[3], h, own_key(m[2]))
  tell(channel, origin, m[3])
end
return answer({ 'ok' })
