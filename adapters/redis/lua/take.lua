-- One batch of alerts. Go has decided what each alert changes (bot/alerts), based
-- on values that it read: nothing is written unless all of them are unchanged.
--
-- KEYS: the common ones, then, as numbered by the arguments, the alerts, the alert
--   groups and, for each incident that opens, is named by an alert or gets mail,
--   its hash, tasks, alerts and firing alerts
-- ARGV, after the name of the call:
--   channel, origin (of the feed)
--   the number of alerts, each: key, revision that was read ('': none), new value
--     ('': unchanged), 1 when it fires, its ID, the incident that it belonged to
--     (key of its alerts, key of its firing alerts; 0: none), and in the same form
--     the incident that it belongs to now
--   the number of groups, each: key, value that was read (''), new value ('':
--     unchanged)
--   the last incident number, as it was read ('')
--   the number of incidents that open, each: key of the hash, number, the previous
--     incident of the group, stub, group, listing
--   the number of mails, each: key of the hash, key of the tasks, number, at
--     or earlier for what goes ahead, at and the pause, body
-- Answers {result, number}: ok, stale (read again), archived (restore it first) or
-- not_found, with the number of the incident.
local channel, origin = next_arg(), next_arg()
local function list(width)
  local all = {}
  for n = 1, tonumber(next_arg()) do
    all[n] = {}
    for k = 1, width do all[n][k] = next_arg() end
  end
  return all
end
local alerts, groups, last_number, opened, mail = list(9), list(3), next_arg(), list(6), list(6)
local function key_at(text) return key(tonumber(text)) end

for _, a in ipairs(alerts) do
  local revision = redis.call('GETRANGE', key_at(a[1]), 0, REVISION - 1)
  if revision ~= a[2] then return { 'stale' } end
end
for _, g in ipairs(groups) do
  if (redis.call('GET', key_at(g[1])) or '') ~= g[2] then return { 'stale' } end
end
if #opened > 0 and (redis.call('GET', LAST_NUMBER) or '') ~= last_number then return { 'stale' } end
local incidents = {}
for _, o in ipairs(opened) do
  if redis.call('EXISTS', key_at(o[1])) == 1 then -- the last number was lost: correct it
    local newest = redis.call('ZREVRANGE', ALL, 0, 0)[1]
    if newest and tonumber(newest) > (tonumber(last_number) or 0) then redis.call('SET', LAST_NUMBER, newest) end
    return { 'stale' }
  end
  incidents[o[2]] = new_incident('1')
end
for _, m in ipairs(mail) do
  local i = incidents[m[3]] or read_incident(key_at(m[1]))
  if not i then return { 'not_found', m[3] } end
  if i.compact then return { 'archived', m[3] } end
  incidents[m[3]] = i
end

-- All checks have passed: from here on everything is written.
for _, a in ipairs(alerts) do
  if a[3] ~= '' then
    redis.call('SET', key_at(a[1]), a[3])
    if a[4] ~= '1' then redis.call('PEXPIRE', key_at(a[1]), KEEP_ALERT) end
    if a[6] ~= '0' and a[6] ~= a[8] then
      redis.call('SREM', key_at(a[6]), a[5])
      redis.call('ZREM', key_at(a[7]), a[5])
    end
    if a[8] ~= '0' then
      redis.call('SADD', key_at(a[8]), a[5])
      if a[4] == '1' then
        redis.call('ZADD', key_at(a[9]), 0, a[5])
      else
        redis.call('ZREM', key_at(a[9]), a[5])
      end
    end
  end
end
for _, g in ipairs(groups) do
  if g[3] ~= '' then redis.call('SET', key_at(g[1]), g[3]) end
end
for _, o in ipairs(opened) do
  redis.call('HSET', key_at(o[1]), 'p', o[3], 'b', o[4], 'g', o[5])
  redis.call('ZADD', ALL, o[2], o[2])
  redis.call('ZADD', OPEN, o[2], o[2])
  set_listing(o[2], incidents[o[2]], '0 ' .. o[6])
  redis.call('SET', LAST_NUMBER, o[2])
end
for _, m in ipairs(mail) do
  local i = incidents[m[3]]
  i.ms = i.ms + 1
  redis.call('HSET', key_at(m[1]), string.format('m%.0f', i.ms), m[6])
  local due = m[4] -- as alerts.MailDue
  if i.rn > due then due = i.rn end
  if due > m[5] then due = m[5] end
  if i.md == '' or due < i.md then i.md = due end
  set_wake_up(i)
  write_incident(key_at(m[1]), i)
  set_due(WAKE_CLASS, lane_name(m[3], WAKE), i.wd)
  set_owing(m[3], i, key_at(m[2]))
  publish(channel, origin, m[3])
end
return answer({ 'ok' })
