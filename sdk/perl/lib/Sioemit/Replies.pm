package Sioemit::Replies;

use strict;
use warnings;

use Errno       qw(EAGAIN EINTR EWOULDBLOCK);
use IO::Select  ();
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);

use Sioemit::Error qw(refuse);

# Redis itself cuts off a subscriber for which 32 MB are waiting, unless it was told otherwise.
use constant MAX_MESSAGE => 64 * 2**20;

# How much is read at once. A record of TLS has no more.
use constant CHUNK => 2**14;

# now returns a time that nobody sets back.
sub now { return clock_gettime(CLOCK_MONOTONIC) }

# new takes a client that nobody else uses, and its socket. Redis itself reads a reply to its end, however late that is, or
# loses a part of it by its read_timeout; and neither client knows shard channels.
sub new {
    my ($class, $client, $socket) = @_;
    $socket->blocking(0);
    return bless { client => $client, socket => $socket, in => '' }, $class;
}

# subscribe returns once Redis has confirmed all channels, so that no reply to a question asked after that is missed.
sub subscribe {
    my ($self, $deadline, $command, @channels) = @_;
    my @words = ($command, @channels);
    $self->_write(join('', '*' . @words . "\r\n", map { '$' . length() . "\r\n$_\r\n" } @words), $deadline);
    my %missing = map { $_ => 1 } @channels;
    while (%missing) {
        my $answer = $self->_next($deadline) // _lost('Redis has not confirmed the subscription in time');
        delete $missing{ $answer->[1] } if $answer->[0] eq lc $command;
    }
    return;
}

# message returns the next message, or undef when the time is over.
sub message {
    my ($self, $deadline) = @_;
    while (my $answer = $self->_next($deadline)) {
        my ($kind, $channel, $payload) = @$answer;
        return $payload if $kind =~ /\As?message\z/;

        # Redis does that when the slot of a shard channel moves to another node.
        _lost("Redis has ended the subscription to $channel") if $kind =~ /unsubscribe\z/;
    }
    return;
}

sub _lost {
    my ($why) = @_;
    return refuse('subscription', "the connection for replies cannot be used: $why");
}

sub _write {
    my ($self, $out, $deadline) = @_;
    local $SIG{PIPE} = 'IGNORE';
    while ($out ne '') {
        my $n = syswrite $self->{socket}, $out;
        if    (defined $n)                            { substr $out, 0, $n, '' }
        elsif (!$self->_wait(can_write => $deadline)) { _lost('Redis does not take the subscription') }
    }
    return;
}

# _next returns the next answer of Redis, an array, or undef when the time is over. What has come of it by then is kept.
sub _next {
    my ($self, $deadline) = @_;
    while (1) {
        my $answer = $self->_parse;
        return $answer if $answer;
        return         if now() >= $deadline;
        my $n = sysread $self->{socket}, $self->{in}, CHUNK, length $self->{in};
        if    (!defined $n) { $self->_wait(can_read => $deadline) or return }
        elsif (!$n)         { _lost('Redis has closed it') }
    }
}

# _wait waits until the socket can be read or written after it could not, and returns false when the time is over.
sub _wait {
    my ($self, $what, $deadline) = @_;
    _lost("$!") if $! != EAGAIN && $! != EWOULDBLOCK && $! != EINTR;
    my $left = $deadline - now();
    return 0 if $left <= 0;
    IO::Select->new($self->{socket})->$what($left);
    return 1;
}

# _parse takes an array of texts and numbers from what has come, or returns undef when it is not whole.
sub _parse {
    my ($self) = @_;
    for ($self->{in}) {
        pos = 0;
        _lost("Redis says: $1") if /\G-([^\r\n]*)\r\n/gc;
        my ($n) = /\G[*>]([1-9])\r\n/gc or return $self->_part;
        my @answer;
        for my $i (1 .. $n) {
            if (/\G:(-?[0-9]+)\r\n/gc) { push @answer, $1; next }
            if (/\G\$-1\r\n/gc)        { push @answer, ''; next }
            my ($size) = /\G\$([0-9]{1,18})\r\n/gc or return $self->_part;
            _lost("a message of $size bytes came on it") if $size > MAX_MESSAGE;
            return                                       if length() < pos() + $size + 2;
            push @answer, substr $_, pos, $size;
            pos = pos() + $size + 2;
        }
        substr $_, 0, pos, '';
        return \@answer;
    }
}

# _part returns undef when what has come may be the beginning of an answer. What is none may be anybody's, and is not
# shown.
sub _part {
    my ($self) = @_;
    my $rest   = substr $self->{in}, pos $self->{in};
    _lost('what came on it is no answer of Redis')
        if $rest !~ /\A(?:[*>:\$][-0-9]{0,20}\r?|-[^\r\n]{0,2000}\r?)?\z/;
    return;
}

1;

__END__

=encoding utf8

=head1 NAME

Sioemit::Replies - a connection for replies

=head1 METHODS

=head2 new

=head2 subscribe

=head2 message

=head1 FUNCTIONS

=head2 now

=cut
