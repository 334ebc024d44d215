# frozen_string_literal: true

# What the jobs do: digest a file, make a thumbnail, render a page; and, where a task has to last long
# enough to be interrupted, pack a whole folder.

require "chunky_png"
require "digest"
require "erb"
require "zlib"

module Work
  FILES = Dir.children(ENV.fetch("JOBS_PICTURES")).sort.map { |name| File.join(ENV["JOBS_PICTURES"], name) }
             .select { |path| File.file?(path) }.freeze
  # Pictures are read by Ruby code, so small ones only.
  PICTURE_BYTES_MAX = 25_000
  PICTURES = FILES.select { |path| path.end_with?(".png") && File.size(path) < PICTURE_BYTES_MAX }.freeze
  SIDE = 24
  RESIZE_EVERY = 20
  PAGE = ERB.new(<<~PAGE, trim_mode: "-")
    <h1>Order <%= number %></h1>
    <%- lines.each do |title, count| -%>
    <p><%= ERB::Util.html_escape(title) %> &times; <%= count %></p>
    <%- end -%>
  PAGE

  module_function

  # The kind of work of a case's job of this number.
  def kind_of(number)
    return "thumbnail" if (number % RESIZE_EVERY).zero?

    number.odd? ? "digest" : "page"
  end

  def perform(kind, number)
    case kind
    when "digest" then Digest::SHA256.file(FILES[number % FILES.size]).hexdigest
    when "thumbnail" then thumbnail(PICTURES[number % PICTURES.size])
    when "page" then page(number)
    when "pack" then FILES.sum { |path| Zlib.deflate(File.binread(path), Zlib::BEST_COMPRESSION).bytesize }
    else raise ArgumentError, "no work of kind #{kind}"
    end
  end

  def thumbnail(path)
    ChunkyPNG::Image.from_file(path).resample_nearest_neighbor(SIDE, SIDE).to_blob.bytesize
  end

  def page(number)
    lines = Array.new(1 + (number % 20)) { |line| ["<item #{line}> & more", number + line] }
    PAGE.result_with_hash(number: number, lines: lines)
  end
end
