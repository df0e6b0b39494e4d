use strict;
use warnings;

# What would be published can be tested and installed where nothing else of this project is, and works there.

use Test::More;

use Cwd        qw(abs_path getcwd);
use File::Temp ();
use FindBin;
use lib "$FindBin::Bin/../t/lib";

use Redis;
use RedisServer;

my $home   = abs_path("$FindBin::Bin/..");
my $folder = File::Temp->newdir;
my $before = getcwd;

# What is around the test, such as prove's --lib, must not reach the programs that it starts.
local @ENV{qw(PERL5LIB MAKEFLAGS MAKELEVEL MFLAGS)};
delete @ENV{qw(PERL5LIB MAKEFLAGS MAKELEVEL MFLAGS)};

sub runs {
    my ($name, @words) = @_;
    my $output = `@words 2>&1`;
    my $done   = is($?, 0, $name) or diag $output;
    return $done;
}

runs('a copy of the folder is made', "cp -R $home $folder/source");
chdir "$folder/source" or die $!;
runs('it is clean',                  'make -s clean');
runs('a distribution is made of it', 'make -s package');
my ($archive) = glob "$folder/source/Sioemit-*.tar.gz";
ok($archive, 'it is an archive') or BAIL_OUT('there is no distribution');
chdir $folder                    or die $!;
runs('it unpacks', "tar xzf $archive");
my ($unpacked) = glob "$folder/Sioemit-*";
chdir $unpacked or die $!;
ok(!-e $_, "$_ is not part of it") for qw(xt bench conformance .gitignore dist.mk);
ok(-e $_,  "$_ is")                for qw(Changes LICENSE README.md META.json lib/Sioemit.pm t/values.t eg/notify.pl);
runs('it is configured',    "$^X Makefile.PL INSTALL_BASE=$folder/installed");
runs('it passes its tests', 'make -s test');
runs('it is installed',     'make -s install');

my $server = RedisServer->new;
my @heard  = $server->heard(
    'Redis',
    sub {
        local $ENV{REDIS_SERVER} = $server->address;
        open my $program, '>', "$folder/program.pl" or die $!;
        print {$program} <<'PROGRAM';
use Redis;
use Sioemit;
die $INC{'Sioemit.pm'} if $INC{'Sioemit.pm'} !~ /installed/;
Sioemit->new(Redis->new)->emit('e');
PROGRAM
        close $program or die $!;
        chdir '/'      or die $!;
        runs('a program finds it', $^X, "-I$folder/installed/lib/perl5", "$folder/program.pl");
    }
);
is_deeply([map { $_->[0] } @heard], ['socket.io#/#'], 'and reaches Redis');
chdir $before or die $!;

done_testing;
