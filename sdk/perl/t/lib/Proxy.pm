package Proxy;

# What stands between a client and Redis, and does to their connections what networks do.

use strict;
use warnings;

use Carp             qw(croak);
use IO::Select       ();
use IO::Socket::INET ();
use POSIX            ();

# new takes the address of a Redis and two subs. Each is called with bytes that have come, of the client and of Redis, and
# what it writes is what passes. Those of the client do not pass when the first one returns false: the connection ends.
sub new {
    my ($class, $address, %on) = @_;
    my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 50) or croak "no free port: $!";
    my $pid      = fork // croak "fork: $!";
    if (!$pid) {
        local $SIG{CHLD} = 'IGNORE';
        local $SIG{PIPE} = 'IGNORE';
        while (my $client = $listener->accept) {
            next if fork;
            close $listener or croak "$!";
            _serve($client, IO::Socket::INET->new($address), %on);
            POSIX::_exit(0);
        }
        POSIX::_exit(0);
    }
    return bless { pid => $pid, owner => $$, address => '127.0.0.1:' . $listener->sockport }, $class;
}

sub address { return $_[0]{address} }

sub _serve {
    my ($client, $redis, %on) = @_;
    my $both = IO::Select->new($client, $redis);
    while (1) {
        for my $from ($both->can_read) {
            sysread $from, my $bytes, 2**16 or return;
            my ($to, $handle) = $from == $client ? ($redis, $on{client}) : ($client, $on{redis});
            my $stays = $handle ? $handle->($bytes, $to) : _pass($bytes, $to);
            return if !$stays;
        }
    }
}

# pass writes bytes, and returns true.
sub pass { return _pass(@_) }

sub _pass {
    my ($bytes, $to) = @_;
    while ($bytes ne '') {
        my $n = syswrite $to, $bytes or return 0;
        substr $bytes, 0, $n, '';
    }
    return 1;
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
