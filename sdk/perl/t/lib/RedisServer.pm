package RedisServer;

# A redis-server of the tests' own, on a free port, and what hears all that is published there.

use strict;
use warnings;

use Carp             qw(croak);
use File::Temp       ();
use IO::Socket::INET ();
use POSIX            qw(WNOHANG);
use Time::HiRes      qw(sleep time);

use constant DEADLINE => 60;    # seconds, which nothing healthy comes near to

# usable loads the class of a client, and returns whether it is there.
sub usable {
    my ($client) = @_;
    return eval { require(($client =~ s{::}{/}gr) . '.pm'); 1 };
}

sub free_port {
    my $free = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1) or croak "no free port: $!";
    my $port = $free->sockport;
    close $free or croak "the port cannot be given back: $!";
    return $port;
}

sub new {
    my ($class, @options) = @_;
    my $port   = free_port();
    my $folder = File::Temp->newdir;
    my @words  = ('redis-server', @options, '--bind', '127.0.0.1', '--port', $port, '--save', '', '--dir', "$folder");
    my $self   = bless { words => \@words, folder => $folder, address => "127.0.0.1:$port", owner => $$ }, $class;
    $self->_start;
    return $self;
}

sub _start {
    my ($self) = @_;
    my $pid = fork // croak "fork: $!";
    if (!$pid) {
        open STDOUT, '>', '/dev/null' or POSIX::_exit(1);
        open STDERR, '>', '/dev/null' or POSIX::_exit(1);
        exec {'redis-server'} @{ $self->{words} } or POSIX::_exit(127);
    }
    $self->{pid} = $pid;
    my $give_up = time + DEADLINE;
    until (IO::Socket::INET->new(PeerAddr => $self->{address})) {
        croak 'the tests need redis-server' if waitpid $pid, WNOHANG;
        croak 'redis-server does not listen' if time > $give_up;
        sleep 0.01;
    }
    return;
}

sub restart {
    my ($self) = @_;
    $self->stop;
    $self->_start;
    return;
}

sub address { return $_[0]{address} }

sub freeze { return kill STOP => $_[0]{pid} }

sub thaw { return kill CONT => $_[0]{pid} }

sub stop {
    my ($self) = @_;
    return if !$self->{pid} || $$ != $self->{owner};
    kill $_ => $self->{pid} for qw(TERM CONT);    # it may be frozen where a test has died
    waitpid delete $self->{pid}, 0;
    return;
}

sub DESTROY {
    local ($?, $@);
    $_[0]->stop;
    return;
}

# heard returns what is published while a sub runs: a list of [channel, payload].
sub heard {
    my ($self, $class, $sub) = @_;
    my $listener = $class->new(server => $self->{address});
    my (@messages, $ended);
    my $end = "end of $$ " . time;
    $listener->psubscribe(
        '*',
        sub {
            my ($payload, $channel) = @_;
            $channel eq $end ? ($ended = 1) : push @messages, [$channel, $payload];
        }
    );
    $sub->();
    $class->new(server => $self->{address})->publish($end, '');
    my $give_up = time + DEADLINE;
    until ($ended) {
        croak 'the end of what was published did not come' if time > $give_up;
        $listener->wait_for_messages(0.05);
    }
    return @messages;
}

1;
