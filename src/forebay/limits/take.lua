-- Takes a request, a place, tokens and money of every holder, or nothing of any; tells all levels.
--
-- KEYS: of each holder its buckets, its places, and one for each of its budgets.
-- ARGV: the request's id, tokens, pico-dollars, seconds that a place lasts; of each holder rpm, tpm, parallel (-1: any),
--       how many budgets; of each of these limit, what was spent before ('' unknown), seconds that it is kept.
--       With the id '' nothing is taken.
-- Money is added up by HINCRBY, which is exact; numbers of Lua are not beyond 2^53.
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1e6
local id, tokens, cost, lease = ARGV[1], tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4])

local function filled(taken, at, limit)
  if limit < 0 then return 0 end
  return math.max(0, (tonumber(taken) or 0) - math.max(0, now - (tonumber(at) or now)) * limit / 60)
end

local function lacks(taken, more, limit)
  if limit < 0 then return 0 end
  if more > limit then return math.huge end
  return math.max(0, (taken + more - limit) * 60 / limit)
end

local holders, refused, why, longest = {}, 0, '', 0
local function refuse(holder, quantity, wait)
  if wait > longest then refused, why, longest = holder, quantity, wait end
end

local key, arg, told = 1, 5, {}
while arg <= #ARGV do
  local h = {buckets = KEYS[key], places = KEYS[key + 1], budgets = {}}
  h.rpm, h.tpm, h.parallel = tonumber(ARGV[arg]), tonumber(ARGV[arg + 1]), tonumber(ARGV[arg + 2])
  local count = tonumber(ARGV[arg + 3])
  key, arg = key + 2, arg + 4
  local number = #holders + 1
  local known = redis.call('HMGET', h.buckets, 'at', 'requests', 'tokens')
  h.requests, h.tokens = filled(known[2], known[1], h.rpm), filled(known[3], known[1], h.tpm)
  -- A clock that was set back has no effect, but time goes on from there.
  if known[1] and tonumber(known[1]) > now then redis.call('HSET', h.buckets, 'at', string.format('%.6f', now)) end
  redis.call('ZREMRANGEBYSCORE', h.places, '-inf', string.format('(%.6f', now))
  h.running = redis.call('ZCARD', h.places)
  if h.parallel >= 0 and h.running >= h.parallel then refuse(number, 'parallel', 1) end
  refuse(number, 'requests', lacks(h.requests, 1, h.rpm))
  refuse(number, 'tokens', lacks(h.tokens, tokens, h.tpm))
  for each = 1, count do
    local b = {key = KEYS[key], limit = ARGV[arg], keep = ARGV[arg + 2]}
    if ARGV[arg + 1] ~= '' then redis.call('HSETNX', b.key, 'before', ARGV[arg + 1]) end
    local sums = redis.call('HMGET', b.key, 'before', 'since')
    b.spent = (tonumber(sums[1]) or 0) + (tonumber(sums[2]) or 0)
    redis.call('EXPIRE', b.key, b.keep)
    local limit = tonumber(b.limit)
    if b.spent >= limit or b.spent + tonumber(cost) > limit then
      refuse(number, 'budget' .. each, math.max(1, tonumber(b.keep)))
    end
    h.budgets[each] = b
    key, arg = key + 1, arg + 3
  end
  holders[number] = h
end

for number, h in ipairs(holders) do
  if refused == 0 and id ~= '' then
    h.requests = h.rpm >= 0 and h.requests + 1 or 0
    h.tokens = h.tpm >= 0 and h.tokens + tokens or 0
    h.running = h.running + 1
    redis.call('HSET', h.buckets, 'at', string.format('%.6f', now),
      'requests', string.format('%.17g', h.requests), 'tokens', string.format('%.17g', h.tokens))
    local full = math.max(h.rpm > 0 and h.requests / h.rpm or 0, h.tpm > 0 and h.tokens / h.tpm or 0)
    redis.call('EXPIRE', h.buckets, math.ceil(full * 60) + 60)
    redis.call('ZADD', h.places, string.format('%.6f', now + lease), id)
    redis.call('EXPIRE', h.places, math.ceil(lease) * 2)
    for _, b in ipairs(h.budgets) do redis.call('HINCRBY', b.key, 'since', cost) end
  end
  table.insert(told, string.format('%.17g', h.requests))
  table.insert(told, string.format('%.17g', h.tokens))
  table.insert(told, h.running)
  for _, b in ipairs(h.budgets) do
    local sums = redis.call('HMGET', b.key, 'before', 'since')
    table.insert(told, sums[1] or '0')
    table.insert(told, sums[2] or '0')
  end
end
return {refused, why, string.format('%.6f', longest), told}
