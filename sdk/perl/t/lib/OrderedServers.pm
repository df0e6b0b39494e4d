package OrderedServers;

# Socket.IO servers of the tests' own that take what comes in order, each in a process that can be stopped, and connect again
# when they are cut off.

use strict;
use warnings;

use Carp        qw(croak);
use JSON::PP    qw(decode_json encode_json);
use POSIX       ();
use Time::HiRes qw(sleep time);

use Redis;
use RedisServer;

# new takes a RedisServer, how many servers there are, and for how long each looks at an event.
sub new {
    my ($class, $redis, $n, $pause) = @_;
    pipe my $ready, my $told or croak "pipe: $!";
    my $parent = $$;
    my @pids;
    for (1 .. $n) {
        my $pid = fork // croak "fork: $!";
        if (!$pid) {
            while (getppid == $parent) {
                eval { _serve($redis->address, $pause // 0, $told) } or sleep 0.01;
            }
            POSIX::_exit(0);
        }
        push @pids, $pid;
    }
    close $told or croak "$!";
    my $admin = Redis->new(server => $redis->address, reconnect => RedisServer::DEADLINE, every => 10_000);
    my $self  = bless { pids => \@pids, owner => $$, admin => $admin }, $class;
    readline $ready;    # until all have closed it
    return $self;
}

# _serve takes what comes until its connection ends.
sub _serve {
    my ($address, $pause, $told) = @_;
    my ($reader, $writer) = map { Redis->new(server => $address) } 1, 2;
    $reader->psubscribe('socket.io#/#*', sub { sleep $pause; $writer->incr('taken') });
    $reader->subscribe(
        'socket.io-request#/#',
        sub {
            my ($request) = @_;
            my $id = decode_json($request)->{requestId} // return;
            $writer->publish('socket.io-response#/#', encode_json({ requestId => $id, sockets => [] }));
        }
    );
    close $told;
    $reader->wait_for_messages(60) while 1;
    return;
}

# taken returns how many events all servers have taken.
sub taken { return $_[0]{admin}->get('taken') // 0 }

sub freeze { return kill STOP => $_[0]{pids}[0] }

sub thaw { return kill CONT => $_[0]{pids}[0] }

# connections returns the ids of those that carry events.
sub connections {
    my ($self) = @_;
    return $self->{admin}->client_list(TYPE => 'pubsub') =~ /^id=([0-9]+) .* psub=[1-9]/gm;
}

sub cut {
    my ($self) = @_;
    my ($id)   = $self->connections;
    $self->{admin}->client_kill(ID => $id);
    return;
}

# wait_for_all returns once there are as many connections as servers, and both of their subscriptions.
sub wait_for_all {
    my ($self)  = @_;
    my $n       = @{ $self->{pids} };
    my $give_up = time + RedisServer::DEADLINE;
    until ((() = $self->connections) == $n && ($self->{admin}->pubsub(NUMSUB => 'socket.io-request#/#'))[1] == $n) {
        croak 'not all servers are back, or gone' if time > $give_up;
        sleep 0.01;
    }
    return;
}

sub DESTROY {
    my ($self) = @_;
    return if $$ != $self->{owner};
    local ($?, $!, $@);
    for my $pid (@{ $self->{pids} }) {
        kill KILL => $pid;
        waitpid $pid, 0;
    }
    $self->{pids} = [];
    $self->wait_for_all;    # that are gone, as Redis sees it
    return;
}

1;
