-- For wrk: posts the file $BODY to $WPATH, and ends with a line of JSON.
wrk.method = "POST"
wrk.path = os.getenv("WPATH") or "/v1/chat/completions"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer sk-1234"

local file = io.open(os.getenv("BODY") or "body_ns.json")
wrk.body = file:read("*a"):gsub("%s+$", "")
file:close()

local line = 'JSON {"requests":%d,"dur_us":%d,"rps":%.1f,"p50":%.0f,"p90":%.0f,"p99":%.0f,"max":%.0f,'
  .. '"err_status":%d,"err_sock":%d,"bytes":%d}\n'

done = function(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    line, summary.requests, summary.duration, summary.requests / (summary.duration / 1e6),
    latency:percentile(50), latency:percentile(90), latency:percentile(99), latency.max,
    errors.status, errors.connect + errors.read + errors.write + errors.timeout, summary.bytes
  ))
end
