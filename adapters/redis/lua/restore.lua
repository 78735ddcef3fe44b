-- Write a whole incident: out of its compact form, or from an import.
--
-- KEYS: the common ones, then 1 the incident's hash, 2 events, 3 mail, 4 messages,
--   5 message_index, 6 tasks
-- ARGV, after the name of the call:
--   number; the compact form that this was decoded from, '' for an import
--   version, open, previous, changed, wake_at, mail_seq, read_seq, the last reading
--     of mail and the pause, when unread mail is due, body, listing ('': not open)
--   the number of events, each: body
--   the number of mails, each: seq, 1 when it was read, body
--   the number of messages, each: key, body
--   the number of tasks, each: class, destination, task
-- Answers {result}: ok, or refused (the incident no longer has that compact form).
local number, compact = next_arg(), next_arg()
local archived = compact ~= ''
local stored = read_incident(key(1))
if archived and not (stored and stored.compact == compact) then return { 'refused' } end
local version, open, previous, changed, wake_at = next_arg(), next_arg(), next_arg(), next_arg(), next_arg()
local mail_seq, read_seq, next_read, mail_due, body, listing = next_arg(), next_arg(), next_arg(), next_arg(), next_arg(), next_arg()
local group = redis.call('HGET', key(1), 'g')
redis.call('DEL', key(1), key(2), key(3), key(4), key(5), key(6))
for _ = 1, tonumber(next_arg()) do redis.call('RPUSH', key(2), next_arg()) end
for _ = 1, tonumber(next_arg()) do
  local seq, read, text = next_arg(), next_arg(), next_arg()
  if read == '1' then
    redis.call('RPUSH', key(3), seq .. '\n' .. text)
  else
    redis.call('HSET', key(1), 'm' .. seq, text)
  end
end
for n = 1, tonumber(next_arg()) do
  local message_key, text = next_arg(), next_arg()
  redis.call('HSET', key(5), message_key, string.format('%.0f', n))
  redis.call('RPUSH', key(4), encode_message(n, message_key, text))
end
local i = new_incident(open)
i.v, i.ms, i.rs, i.rn, i.md, i.wa = tonumber(version), tonumber(mail_seq), tonumber(read_seq), next_read, mail_due, wake_at
if archived then i.wr, i.ws = stored.wr, stored.ws end -- the revisions of the wake-up go on
i.l = stored and stored.l or ''
set_listing(number, i, listing ~= '' and version .. ' ' .. listing or '')
for _ = 1, tonumber(next_arg()) do
  local class, destination, task = next_arg(), next_arg(), next_arg()
  if append_task(key(6), class .. '|' .. destination, task) then set_due(class, lane_name(number, destination), string.sub(task, 1, 19)) end
end
set_wake_up(i)
write_incident(key(1), i)
redis.call('HSET', key(1), 'p', previous, 'b', body)
if changed ~= '' then redis.call('HSET', key(1), 'c', changed) end
if group then redis.call('HSET', key(1), 'g', group) end
set_due(WAKE_CLASS, lane_name(number, WAKE), i.wd)
set_owing(number, i, key(6))
redis.call('ZADD', ALL, number, number)
redis.call('ZREM', ARCHIVED, number)
if open == '1' then
  redis.call('ZADD', OPEN, number, number)
  redis.call('ZREM', ENDED, number)
else
  redis.call('ZREM', OPEN, number)
  redis.call('ZADD', ENDED, changed ~= '' and score(changed) or '1', number)
end
return answer({ 'ok' })
