# frozen_string_literal: true

# Waiting, wanting, worker processes and the report.

require "json"

PORT = Integer(ENV.fetch("JOBS_PORT"))
SCALE = Float(ENV.fetch("JOBS_SCALE"))
WAIT_LIMIT_S = 120
POLL_S = 0.02

class Failed < StandardError; end

def expect(what, found, wanted)
  raise Failed, "#{what}: #{found.inspect}, wanted #{wanted.inspect}" unless found == wanted
end

# Waits until the block gives something true, and gives that.
def wait(what, limit_s = WAIT_LIMIT_S)
  deadline = now + limit_s
  until (found = yield)
    raise Failed, "waited #{limit_s} s in vain: #{what}" if now > deadline

    Workers.expect_alive(what)
    sleep POLL_S
  end
  found
end

# Waits until the library's view is as wanted.
def wait_equal(what, wanted)
  found = nil
  wait(what) { (found = yield) == wanted }
rescue Failed
  expect(what, found, wanted)
end

def now
  Process.clock_gettime(Process::CLOCK_MONOTONIC)
end

def report(name, jobs, view)
  line = { case: name, jobs: jobs, view: view }
  File.open(ENV.fetch("JOBS_REPORT"), "a") { |file| file.puts(line.to_json) }
end

# A process of the library's, with its log.
class Workers
  @running = {}

  class << self
    attr_reader :running

    def expect_alive(what)
      @running.each do |pid, log|
        raise Failed, "the process of #{log} ended while waiting: #{what}" if Process.waitpid(pid, Process::WNOHANG)
      end
    end
  end

  def initialize(name, concurrency, queues, *options)
    @log = File.join(ENV.fetch("JOBS_FOLDER"), "#{name}.log")
    words = ["sidekiq", "-r", File.join(__dir__, "jobs.rb"), "-c", concurrency.to_s]
    queues.each { |queue| words.push("-q", queue) }
    environment = { "REDIS_URL" => ENV.fetch("JOBS_URL") }
    @pid = spawn(environment, *words, *options, out: [@log, "a"], err: %i[child out], in: :close)
    Workers.running[@pid] = @log
  end

  # Asks it to finish what it is at and go.
  def stop
    Workers.running.delete(@pid)
    Process.kill("TERM", @pid)
    wait("end of #{@log}") { Process.waitpid(@pid, Process::WNOHANG) }
  end
end
