# frozen_string_literal: true

# The workers of the story; `sidekiq -r jobs.rb` runs them.

require "sidekiq"
require_relative "work"

# Debian's Sidekiq is older than its client and calls what that one wants called otherwise.
Redis.silence_deprecations = true

# The scheduler's look at what is due, seconds on average; the default is made for a fleet.
Sidekiq.options[:poll_interval_average] = 0.3

module Ledger
  FOLDER = ENV.fetch("JOBS_FOLDER")

  module_function

  # Notes that a job's work is finished, in one write.
  def record(name, job)
    File.open(ENV.fetch("JOBS_LEDGER"), "a") { |file| file.syswrite("#{name}\t#{job}\n") }
  end

  # The jobs of a case that were finished, in that order.
  def finished(name)
    lines = File.readlines(ENV.fetch("JOBS_LEDGER"), chomp: true).map { |line| line.split("\t") }
    lines.select { |first, _| first == name }.map(&:last)
  end

  # Notes something that has happened once more; how often by now.
  def count(what)
    File.open(File.join(FOLDER, "count-#{what}"), "a+") do |file|
      file.flock(File::LOCK_EX)
      file.syswrite(".")
      file.size
    end
  end

  def counted(what)
    File.size?(File.join(FOLDER, "count-#{what}")) || 0
  end
end

# Arguments of every job: its case, its name, its number.
class PlainJob
  include Sidekiq::Worker

  def perform(name, job, number)
    Work.perform(Work.kind_of(number), number)
    Ledger.record(name, job)
  end
end

class LongJob
  include Sidekiq::Worker

  def perform(name, job, _number)
    Ledger.count("began-#{job}")
    4.times { Work.perform("pack", 0) }
    Ledger.record(name, job)
  end
end

# Works at the second attempt, which comes after a second and a random few more.
class SecondTimeJob < PlainJob
  sidekiq_options retry: 5
  sidekiq_retry_in { 1 }

  def perform(name, job, number)
    raise "not yet" if Ledger.count("tried-#{job}") < 2

    super
  end
end

# Fails until the story has mended it.
class BrokenJob < PlainJob
  sidekiq_options retry: 2
  sidekiq_retry_in { 3600 }
  sidekiq_retries_exhausted { |job, _error| Ledger.count("exhausted-#{job["args"][1]}") }

  def perform(name, job, number)
    Ledger.count("tried-#{job}")
    raise "broken on purpose" if Ledger.counted("mended-#{name}").zero?

    super
  end
end

# Goes straight to the dead set.
class DoomedJob < BrokenJob
  sidekiq_options retry: 0
end

# Fails and is forgotten.
class ForgottenJob < BrokenJob
  sidekiq_options retry: false
end
