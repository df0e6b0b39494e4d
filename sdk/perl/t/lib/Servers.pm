package Servers;

# Socket.IO servers of the tests' own, as far as an emitter can tell: they subscribe, and answer as a test says.

use strict;
use warnings;

use Carp    qw(croak);
use POSIX   ();
use Redis   ();
use Sioemit ();

# new takes the address of a Redis, how many servers there are, what subscribes to requests, and a sub that gets a Redis
# and each request, and answers for all of them. The last sub connects, if the address is not enough.
sub new {
    my ($class, $address, $n, $subscribe, $answer, $connect) = @_;
    $connect //= sub { Redis->new(server => $address) };
    pipe my $ready, my $told or croak "pipe: $!";
    my $pid = fork // croak "fork: $!";
    if (!$pid) {
        my $ended = eval {
            my @servers = map { Sioemit::Client->new($connect->())->replies } 1 .. $n;
            my $redis   = $connect->();
            $_->subscribe(9**9**9, @$subscribe) for @servers;
            close $told or croak "$!";
            while (defined(my $request = $servers[0]->message(9**9**9))) {
                $answer->($redis, $request);
            }
            1;
        };
        warn $@ if !$ended && $@ !~ /Redis has closed it|Error while reading|Not connected/;
        POSIX::_exit(0);
    }
    close $told or croak "$!";
    readline $ready;    # until it is closed
    return bless { pid => $pid, owner => $$ }, $class;
}

sub DESTROY {
    my ($self) = @_;
    return if $$ != $self->{owner};
    local ($?, $!, $@);
    kill KILL => $self->{pid};
    waitpid $self->{pid}, 0;
    return;
}

1;
