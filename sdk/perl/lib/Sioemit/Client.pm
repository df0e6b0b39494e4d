package Sioemit::Client;

use strict;
use warnings;

use Scalar::Util qw(blessed refaddr);

use Sioemit::Error   qw(refuse tried);
use Sioemit::Replies ();

sub new {
    my ($class, $redis, $connect) = @_;
    return bless { redis => $redis, connect => $connect }, $class;
}

# call sends one command and returns its answer.
sub call {
    my ($self, $command, @words) = @_;
    my $redis = $self->{redis};
    my @answer;
    my $error = _failure($redis, sub { @answer = $redis->$command(@words) });
    _failed($error) if defined $error;
    return @answer;
}

# call_all sends commands in one round trip. A sub gets each command that Redis has taken, as an array, and its answer.
sub call_all {
    my ($self, $taken, @commands) = @_;
    my ($answered, @errors) = (0);
    my $redis = $self->{redis};
    my $note  = sub {
        my (undef, $error) = @_;
        $answered++;
        push @errors, $error if defined $error;
    };
    my $failure = _failure(
        $redis,
        sub {
            for my $words (@commands) {
                my ($command, @rest) = @$words;
                my $words_note = $taken ? sub { $note->(@_); $taken->($words, $_[0]) if !defined $_[1] } : $note;
                $redis->$command(@rest, $words_note);
            }
            $redis->wait_all_responses;
        }
    );
    _failed($failure) if defined $failure;
    _failed(
        sprintf '%d of %d commands of the pipeline failed, the first with: %s',
        scalar @errors,
        scalar @commands,
        $errors[0]
    ) if @errors;

    # Redis forgets what it waits for when it connects again.
    _failed(
        sprintf 'the connection broke: %d of %d commands of the pipeline were not answered, and may be lost',
        @commands - $answered,
        scalar @commands
    ) if $answered != @commands;
    return;
}

# count returns how many subscribers Redis counts.
sub count {
    my ($self, $command, $channel) = @_;
    my @counts = $self->call(pubsub => $command, $channel);
    refuse('redis', 'Redis does not say how many servers listen: the client is within a transaction') if @counts != 2;
    return 0 + $counts[1];
}

# check_asks refuses clients that cannot ask.
sub check_asks {
    my ($self) = @_;
    my $redis = $self->{redis};
    refuse('adapter-option', 'calls with replies need a Redis or a Redis::Fast, which this client is not')
        if !$redis->isa('Redis') && !$redis->isa('Redis::Fast');
    refuse('adapter-option',
              ref($redis)
            . ' does not show how it connects, and calls with replies need one more connection: give new() the '
            . 'option connect, a sub that returns a new client')
        if !$self->{connect} && !($redis->isa('Redis') && ref $redis->{builder} eq 'CODE');
    return;
}

# check_is_all_of_redis refuses a node of a Redis Cluster, which knows its own subscribers only. A Redis before version 6
# does not say what it is.
sub check_is_all_of_redis {
    my ($self) = @_;
    my %about;
    tried(sub { %about = $self->call('hello') }) if !defined $self->{mode};
    $self->{mode} //= $about{mode};
    refuse('redis',
        'this Redis is a node of a Redis Cluster, which the Perl clients cannot follow: servers at other nodes would not '
            . 'be heard')
        if ($self->{mode} // '') eq 'cluster';
    return;
}

# replies returns a connection for replies, made and logged in to by a client of its own.
sub replies {
    my ($self) = @_;
    my $redis = $self->{redis};
    my ($client, $socket);
    my $error = _failure(
        undef,
        sub {
            $client = $self->{connect} ? $self->{connect}->() : _twin($redis);
            die "connect has not returned a new Redis or Redis::Fast\n"
                if !blessed $client
                || !$client->isa('Redis') && !$client->isa('Redis::Fast')
                || refaddr $client == refaddr $redis;
            if ($client->isa('Redis')) {
                $socket = $client->{sock};
            }
            else {
                open $socket, '+<&', $client->__sock or die "$!\n";    # the client closes its own
            }
        }
    );
    _failed($error, 'subscription') if defined $error;
    return Sioemit::Replies->new($client, $socket);
}

# _twin returns a client with the settings of another one: its address or Sentinels, TLS, user, on_connect. Nothing that
# it sends is repeated.
sub _twin {
    my ($redis) = @_;
    my $twin    = bless { %$redis, reconnect => 0, is_subscriber => 0, subscribers => {} }, ref $redis;
    delete @$twin{qw(sock read_timeout write_timeout current_database)};    # channels are of no database
    $twin->connect;
    return $twin;
}

# publish_once publishes a message, and returns undef when Redis has taken it, or why nobody knows. With a callback,
# neither client repeats a command that it has written, whatever its reconnect says. Redis::Fast does without one.
sub publish_once {
    my ($self, $command, @words) = @_;
    my $redis = $self->{redis};
    my ($answered, $error);
    my $failure = _failure(
        $redis,
        sub {
            $redis->$command(@words, sub { ($answered, $error) = (1, $_[1]) });
            $redis->wait_all_responses;
        }
    );
    $error //= $failure;
    return if $answered && !defined $error;
    $error = _first_line($error // 'there is no answer');
    _failed($error) if $answered && $error =~ /\A[A-Z][A-Z0-9]+ /;    # as Redis says it
    return $error;
}

# _failure returns what the client dies with while a sub uses it, if anything. What a signal handler of the program dies
# with, such as that of an alarm, gets out, and as Redis may be in the middle of an answer then, it connects again before
# it sends the next command. Redis::Fast knows which answers it has not read.
sub _failure {
    my ($redis, $sub) = @_;
    my $theirs = $SIG{__DIE__};
    my ($died, $done, $error);
    {
        local $SIG{PIPE}    = 'IGNORE';    # what is written to a connection that has gone would end the program
        local $SIG{__DIE__} = sub {
            $died //= [@_]      if _in_signal_handler();
            (\&{$theirs})->(@_) if $theirs && defined &{$theirs};    # it may be DEFAULT
        };
        $done  = eval { $sub->(); 1 };
        $error = $@;
    }
    if ($died) {
        $redis->{pid} = 0 if $redis && $redis->isa('Redis');         # as after a fork
        die $died->[0];
    }
    return $done ? undef : $error;
}

# _in_signal_handler tells whether what dies is one, and does not catch that itself. Perl calls them with the name of the
# signal.
sub _in_signal_handler {
    my $depth = 1;
    while (my @frame = do { package DB; caller ++$depth }) {
        return 0 if $frame[3] eq '(eval)';
        my ($signal) = $frame[4] ? @DB::args : ();
        return 1 if defined $signal && !ref $signal && exists $SIG{$signal};
    }
    return 0;
}

sub _failed {
    my ($said, $reason) = @_;
    my $message = _first_line($said);
    $message .= '; this Redis is a node of a Redis Cluster, which the Perl clients cannot follow'
        if $message =~ /\bMOVED \d/;
    die Sioemit::Error->new($reason // 'redis', $message);
}

# _first_line returns what the client said. A backtrace shows the words of commands, and Redis repeats those of a command
# that it does not know: AUTH may have been renamed.
sub _first_line {
    my ($said)    = @_;
    my ($message) = "$said" =~ /\A([^\n]*)/;
    $message =~ s/,? at \S+ line \d+.*//;
    $message =~ s/with args beginning with:.*/with arguments that are not repeated here/;
    return $message;
}

1;

__END__

=encoding utf8

=head1 NAME

Sioemit::Client - commands to the Redis of the program

=head1 DESCRIPTION

What L<Redis> and L<Redis::Fast> die with becomes a L<Sioemit::Error> whose reason is C<redis>.

=head1 METHODS

=head2 new

=head2 call

=head2 call_all

=head2 count

=head2 check_asks

=head2 check_is_all_of_redis

=head2 replies

=head2 publish_once

=cut
