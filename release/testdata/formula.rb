# Stands in for Homebrew, where there is none: it reads a formula, prints what it
# would fetch on each kind of machine, and installs from the working directory.

class Formula
  class << self
    %i[desc homepage version license test].each { |word| define_method(word) { |*| nil } }

    def on_macos
      @os = "darwin"
      yield
    end

    def on_linux
      @os = "linux"
      yield
    end

    def on_arm
      @arch = "arm64"
      yield
    end

    def on_intel
      @arch = "amd64"
      yield
    end

    def url(url)
      @url = url
    end

    def sha256(sum)
      puts "#{@os}_#{@arch} #{@url} #{sum}"
    end
  end

  # A folder of Homebrew's, to which files are installed, under other names if
  # these are given.
  class Folder
    def install(files)
      file = files.is_a?(Hash) ? files.keys.first : files
      raise "#{file} is not in the archive" unless File.file?(file)

      puts "installs #{file}"
    end
  end

  %i[bin man1 bash_completion zsh_completion fish_completion].each { |name| define_method(name) { Folder.new } }
end

load ARGV.fetch(0)
Sioemit.new.install
