-- Frees the place of a request, and counts what it used in place of what was reserved.
--
-- KEYS: of one holder its buckets, its places, and one for each of its budgets.
-- ARGV: the request's id, tokens and pico-dollars used beyond those reserved (less than 0: fewer), rpm, tpm (-1: any),
--       whether to do so only if the place is still taken (1), and of each budget the seconds that it is kept.
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1e6
local rpm, tpm = tonumber(ARGV[4]), tonumber(ARGV[5])
local freed = redis.call('ZREM', KEYS[2], ARGV[1])
if ARGV[6] == '1' and freed == 0 then return 0 end

if tpm >= 0 then
  local known = redis.call('HMGET', KEYS[1], 'at', 'requests', 'tokens')
  local minutes = math.max(0, now - (tonumber(known[1]) or now)) / 60
  local requests = math.max(0, (tonumber(known[2]) or 0) - minutes * math.max(0, rpm))
  local tokens = math.max(0, (tonumber(known[3]) or 0) - minutes * tpm)
  tokens = math.max(0, tokens + tonumber(ARGV[2]))
  redis.call('HSET', KEYS[1], 'at', string.format('%.6f', now),
    'requests', string.format('%.17g', requests), 'tokens', string.format('%.17g', tokens))
  redis.call('EXPIRE', KEYS[1], math.ceil(math.max(rpm > 0 and requests / rpm or 0, tokens / tpm) * 60) + 60)
end
for each = 3, #KEYS do
  redis.call('HINCRBY', KEYS[each], 'since', ARGV[3])
  redis.call('EXPIRE', KEYS[each], ARGV[4 + each])
end
return 1
