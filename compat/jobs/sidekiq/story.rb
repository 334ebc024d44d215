# frozen_string_literal: true

# Sidekiq: bulk, order of queues, the scheduled set, the retries set, the dead set, a shutdown in the
# middle of a job, and its dashboard.

require "net/http"
require "rack"
require "rack/handler/webrick"
require "securerandom"
require "sidekiq"
require "sidekiq/api"
require "sidekiq/web"
require_relative "stage"
require_relative "jobs"

Sidekiq.configure_client { |config| config.redis = { url: ENV.fetch("JOBS_URL") } }
Sidekiq.logger.level = Logger::WARN

JOBS = [1, (500 * SCALE).round].max
HOUR_S = 3600
# What the clock of another process may seem to be behind, seconds.
CLOCK_S = 0.01

def finished(name)
  Ledger.finished(name)
end

def bulk
  args = Array.new(JOBS) { |number| ["bulk", number.to_s, number] }
  ids = args.each_slice(100).flat_map do |slice|
    Sidekiq::Client.push_bulk("class" => PlainJob, "queue" => "bulk", "args" => slice)
  end
  queue = Sidekiq::Queue.new("bulk")
  expect("size", [queue.size, Sidekiq::Stats.new.enqueued], [JOBS, JOBS])
  expect("a job found", queue.find_job(ids[JOBS / 2]).args, args[JOBS / 2])
  expect("all ids", queue.map(&:jid).sort, ids.sort)
  workers = [1, 2].map { |number| Workers.new("bulk-#{number}", 5, ["bulk"]) }
  wait("all ran") { finished("bulk").uniq.size == JOBS }
  # Processes tell their counts with their heartbeats.
  wait_equal("processed, failed, enqueued", [JOBS, 0, 0]) do
    stats = Sidekiq::Stats.new
    [stats.processed, stats.failed, stats.enqueued]
  end
  wait_equal("processes", [2, 10]) { [Sidekiq::ProcessSet.new.size, Sidekiq::ProcessSet.new.total_concurrency] }
  expect("history", Sidekiq::Stats::History.new(1).processed.values, [JOBS])
  workers.each(&:stop)
  expect("processes left", Sidekiq::ProcessSet.new.size, 0)
  report("bulk", JOBS, "#{JOBS} processed by its own count, 2 processes")
end

def order
  wanted = %w[high middle low].flat_map { |queue| Array.new(8) { |number| "#{queue}-#{number}" } }
  wanted.shuffle(random: Random.new(7)).sort_by { |job| job[/\d+/].to_i }.each do |job|
    PlainJob.set(queue: job[/\w+?(?=-)/]).perform_async("order", job, job[/\d+/].to_i)
  end
  expect("queues", Sidekiq::Stats.new.queues.slice("high", "low", "middle").values, [8, 8, 8])
  workers = Workers.new("order", 1, %w[high middle low])
  wait("all ran") { finished("order").size == wanted.size }
  workers.stop
  expect("order of the runs", finished("order"), wanted)
  report("order", wanted, "queue by queue in the order of the command line")
end

def scheduled
  set = Sidekiq::ScheduledSet.new
  due = {}
  10.times do |number|
    due["later-#{number}"] = Time.now.to_f + 1 + (number * 0.2)
    PlainJob.perform_at(due["later-#{number}"], "scheduled", "later-#{number}", number)
  end
  doomed, hurried, moved = %w[doomed hurried moved].map do |job|
    PlainJob.perform_in(HOUR_S, "scheduled", job, 1)
  end
  expect("size", [set.size, Sidekiq::Stats.new.scheduled_size], [13, 13])
  shown = set.map { |job| job.args[1] }
  expect("from the last to the first", shown.last(10), due.keys.reverse)
  expect("scan", set.scan("*hurried*").map(&:jid), [hurried])
  set.find_job(doomed).delete
  set.find_job(hurried).add_to_queue
  set.find_job(moved).reschedule(Time.now + 1)
  wanted = due.keys + %w[hurried moved]
  workers = Workers.new("scheduled", 3, ["default"])
  seen = {}
  wait("all ran") do
    finished("scheduled").each { |job| seen[job] ||= Time.now.to_f }
    seen.size == wanted.size
  end
  due.each { |job, at| expect("#{job} ran early", [seen[job] - at, 0].min < -CLOCK_S, false) }
  expect("size after", set.size, 0)
  workers.stop
  report("scheduled", wanted, "13 scheduled, 1 deleted, 1 hurried, 1 moved; 0 left")
end

def retries
  retry_set, dead = Sidekiq::RetrySet.new, Sidekiq::DeadSet.new
  before = Sidekiq::Stats.new.failed
  %w[patient-1 patient-2].each { |job| SecondTimeJob.perform_async("retries", job, 1) }
  broken = %w[broken-1 broken-2 broken-3].to_h { |job| [job, BrokenJob.perform_async("retries", job, 2)] }
  DoomedJob.perform_async("retries", "doomed", 3)
  ForgottenJob.perform_async("retries", "forgotten", 4)
  workers = Workers.new("retries", 3, ["default"])
  wait("the patient ran") { finished("retries").sort == %w[patient-1 patient-2] }
  # The broken wait for an hour, unless somebody hurries them; the doomed is dead, the forgotten nowhere.
  wait_equal("retry counts", [0, 0, 0]) { retry_set.map { |job| job["retry_count"] } }
  broken.each_value { |id| retry_set.find_job(id).retry }
  wait_equal("tried twice", [2, 2, 2]) { broken.keys.map { |job| Ledger.counted("tried-#{job}") } }
  wait_equal("back in the set", 3) { retry_set.size }
  wait_equal("dead", ["doomed"]) { dead.map { |job| job.args[1] } }
  expect("exhausted", [Ledger.counted("exhausted-doomed"), Ledger.counted("tried-forgotten")], [1, 1])
  found = retry_set.find_job(broken["broken-1"])
  expect("why", [found["error_message"], found["error_class"]], ["broken on purpose", "RuntimeError"])
  wait_equal("failures", before + 2 + 6 + 2) { Sidekiq::Stats.new.failed }
  found.kill
  retry_set.find_job(broken["broken-3"]).delete
  expect("dead", dead.map { |job| job.args[1] }.sort, %w[broken-1 doomed])
  expect("sizes", [Sidekiq::Stats.new.retry_size, Sidekiq::Stats.new.dead_size], [1, 2])
  Ledger.count("mended-retries")
  dead.retry_all
  retry_set.retry_all
  wanted = %w[broken-1 broken-2 doomed patient-1 patient-2]
  wait("the dead ran") { finished("retries").sort == wanted }
  expect("sizes after", [retry_set.size, dead.size], [0, 0])
  workers.stop
  report("retries", wanted, "3 in the retries set, 2 in the dead set, none after they were retried")
end

# A process that is told to end puts back what it cannot finish in time.
def shutdown
  jobs = %w[long-1 long-2]
  jobs.each { |job| LongJob.perform_async("shutdown", job, 0) }
  first = Workers.new("shutdown-1", 2, ["default"], "-t", "1")
  wait("both began") { jobs.all? { |job| Ledger.counted("began-#{job}").positive? } }
  first.stop
  expect("finished by the first", finished("shutdown"), [])
  expect("put back", Sidekiq::Queue.new.map { |job| job.args[1] }.sort, jobs)
  second = Workers.new("shutdown-2", 2, ["default"])
  busy = wait("both are shown as busy") do
    found = Sidekiq::WorkSet.new.map { |_process, _thread, work| work["payload"]["args"][1] }
    found if found.sort == jobs || finished("shutdown").any?
  end
  wait("both ran") { finished("shutdown").size == 2 }
  second.stop
  expect("began twice each", jobs.map { |job| Ledger.counted("began-#{job}") }, [2, 2])
  report("shutdown", jobs, "2 put back at the end of their process; #{busy.size} shown as busy")
end

# An operator's hands: a queue is looked through, jobs are deleted, it is cleared.
def upkeep
  ids = Array.new(10) { |number| PlainJob.set(queue: "kept").perform_async("upkeep", number.to_s, number) }
  queue = Sidekiq::Queue.new("kept")
  queue.each { |job| job.delete if job.args[2].even? }
  expect("left", queue.map { |job| job.args[1] }.sort, %w[1 3 5 7 9])
  expect("gone", queue.find_job(ids[0]), nil)
  expect("latency is a time", queue.latency.between?(0, WAIT_LIMIT_S), true)
  workers = Workers.new("upkeep", 2, ["kept"])
  wait("all ran") { finished("upkeep").size == 5 }
  workers.stop
  3.times { |number| PlainJob.set(queue: "kept").perform_async("upkeep", "cleared", number) }
  queue.clear
  expect("cleared", [queue.size, Sidekiq::Queue.all.map(&:name).include?("kept")], [0, false])
  report("upkeep", %w[1 3 5 7 9], "10 in a queue, 5 deleted; 3 cleared")
end

# The dashboard, served as people serve it.
def dashboard
  PlainJob.perform_in(HOUR_S, "dashboard", "later", 1)
  DoomedJob.perform_async("dashboard", "dead", 1)
  workers = Workers.new("dashboard", 1, ["default"])
  wait_equal("dead", 1) { Sidekiq::DeadSet.new.size }
  PlainJob.perform_async("dashboard", "plain", 2)
  wait("it ran") { finished("dashboard") == ["plain"] }
  workers.stop
  2.times { |number| PlainJob.set(queue: "waiting").perform_async("dashboard", "waiting", number) }
  stats = Sidekiq::Stats.new
  with_web do |address|
    shown = JSON.parse(Net::HTTP.get(URI("#{address}/stats")))["sidekiq"]
    numbers = shown.slice("processed", "failed", "enqueued", "scheduled", "retries", "dead")
    wanted = { "processed" => stats.processed, "failed" => stats.failed, "enqueued" => 2,
               "scheduled" => 1, "retries" => 0, "dead" => 1 }
    expect("numbers shown", numbers, wanted)
    { "morgue" => "DoomedJob", "scheduled" => "PlainJob", "queues/waiting" => "PlainJob" }.each do |page, text|
      expect("#{page} shows #{text}", Net::HTTP.get(URI("#{address}/#{page}")).include?(text), true)
    end
    report("dashboard", ["plain"], "shown over HTTP: #{numbers.to_json}")
  end
end

def with_web
  web = Rack::Builder.new do
    use Rack::Session::Cookie, secret: SecureRandom.hex(64)
    run Sidekiq::Web
  end
  quiet = { Logger: WEBrick::Log.new(File::NULL), AccessLog: [] }
  server = WEBrick::HTTPServer.new(BindAddress: "127.0.0.1", Port: 0, **quiet)
  server.mount("/", Rack::Handler::WEBrick, web.to_app)
  thread = Thread.new { server.start }
  yield "http://127.0.0.1:#{server.listeners.first.addr[1]}"
ensure
  server&.shutdown
  thread&.join
end

CASES = %w[bulk order scheduled retries shutdown upkeep dashboard].freeze

(ARGV.empty? ? CASES : ARGV).each do |name|
  began = now
  send(name)
  puts format("%-10s %.1f s", name, now - began)
  $stdout.flush
rescue StandardError => e
  logs = Dir[File.join(Ledger::FOLDER, "*.log")].max_by { |path| File.mtime(path) }
  abort("#{name}: #{e.full_message(highlight: false)}\n-- #{logs}:\n#{logs && File.read(logs)[-4000..]}")
end
