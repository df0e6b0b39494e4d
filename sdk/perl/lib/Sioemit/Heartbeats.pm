package Sioemit::Heartbeats;

use strict;
use warnings;

use Time::HiRes qw(sleep);

use Sioemit::Incomplete  ();
use Sioemit::Question    ();
use Sioemit::Replies     ();
use Sioemit::Unconfirmed ();

# Servers of the streams adapter before 0.3 subscribe to nothing, and answer by an entry. They add a heartbeat when they
# have added nothing else for five seconds, and take one who is silent for ten for gone.
use constant { SILENCE => 11_000, PAGE => 500 };    # milliseconds, entries

use constant { SOCKETS => 8, CLOSE => 13 };         # types of entries

# How these servers name themselves.
my $SERVER = qr/\A[0-9a-f]{16}\z/;

# new takes sent, client, adapter, target and deadline.
sub new {
    my ($class, %self) = @_;
    return bless { %self, stream => $self{adapter}->stream($self{target}) }, $class;
}

# ask returns how many of these servers have answered a question in the stream, 0 where there are none.
sub ask {
    my ($self) = @_;
    my $heard = $self->_heard;
    return 0 if !%$heard;
    my $asked      = keys %$heard;
    my $id         = Sioemit::Question::new_id();
    my $make       = $self->{adapter}->question(Sioemit::Question::nobody($self->{target}), 'confirm');
    my ($question) = $self->{client}->call($make->($id));
    my ($at, $pause, %missing, %answered) = ($question, 0.001, map { $_ => 1 } keys %$heard);

    while (%missing) {
        my @entries = $self->_entries("($at", '+', COUNT => PAGE);
        for my $entry (@entries) {
            ($at, my $words) = @$entry;
            my %entry = @$words;
            my $uid   = $entry{uid} // '';
            next if ($entry{type} // '') ne SOCKETS || $uid !~ $SERVER || index($entry{data} // '', $id) < 0;
            $answered{$uid} = 1;
            delete $missing{$uid};
        }
        last                                           if !%missing;
        $self->_give_up(scalar keys %answered, $asked) if Sioemit::Replies::now() >= $self->{deadline};
        next                                           if @entries;
        sleep $pause;
        $pause = $pause < 0.025 ? 2 * $pause : 0.05;
    }
    $self->{sent}{beats}{ $self->{target}{namespace} } =
        { until => $question, heard => { map { $_ => _milliseconds($question) } keys %answered } };
    return scalar keys %answered;
}

sub _give_up {
    my ($self, $answered, $asked) = @_;
    die Sioemit::Incomplete->new(
        'confirm', $answered,
        servers  => $answered,
        asked    => $asked,
        clients  => 0,
        expected => 0,
        unread   => 0,
        needs    => ''
    );
}

# _heard returns the servers that have been heard in the last seconds, with when that was.
sub _heard {
    my ($self) = @_;
    my $namespace = $self->{target}{namespace};
    my ($seconds, $microseconds) = $self->{client}->call('time');
    my $now  = 1000 * $seconds + int($microseconds / 1000);
    my $from = $now - SILENCE;
    my %heard;
    my $before = $self->{sent}{beats}{$namespace};
    if ($before && _milliseconds($before->{until}) > $from) {
        my $known = $before->{heard};
        %heard = map { $_ => $known->{$_} } grep { $known->{$_} >= $from } keys %$known;
        $from  = $before->{until};
    }
    my ($start, @entries) = ($from);
    do {
        @entries = $self->_entries($start, '+', COUNT => PAGE);
        for my $entry (@entries) {
            my ($id, $words) = @$entry;
            my %entry = @$words;
            my $uid   = $entry{uid} // '';
            next if ($entry{nsp} // '') ne $namespace || $uid !~ $SERVER;
            ($entry{type} // '') eq CLOSE ? delete $heard{$uid} : ($heard{$uid} = _milliseconds($id));
        }
        $start = "($entries[-1][0]" if @entries;
    } while (@entries == PAGE);
    my ($oldest) = $self->_entries('-', '+', COUNT => 1);
    return {} if !$oldest || !%heard;
    $self->_check_holds($oldest->[0], $from, $now);
    return \%heard;
}

# _check_holds: what was trimmed has not been heard.
sub _check_holds {
    my ($self, $oldest, $from, $now) = @_;
    return if _compare($oldest, $from) <= 0;
    my ($length) = $self->{client}->call(xlen => $self->{stream});
    return if $length < $self->{adapter}{max_len};
    die Sioemit::Unconfirmed->new(
        0,
        sprintf 'the stream holds no more than the last %.3f s, in which a server may have said nothing',
        ($now - _milliseconds($oldest)) / 1000
    );
}

sub _entries {
    my ($self, @words) = @_;
    return $self->{client}->call(xrange => $self->{stream}, @words);
}

sub _compare {
    my ($left, $right) = map { [split /-/, "$_-0"] } @_;
    return $left->[0] <=> $right->[0] || $left->[1] <=> $right->[1];
}

sub _milliseconds {
    my ($id) = @_;
    return 0 + (split /-/, $id)[0];
}

1;

__END__

=encoding utf8

=head1 NAME

Sioemit::Heartbeats - servers that nothing but their entries in a stream shows

=head1 METHODS

=head2 new

=head2 ask

=cut
