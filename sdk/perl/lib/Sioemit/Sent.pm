package Sioemit::Sent;

use strict;
use warnings;

use Sioemit::Replies ();

# How many namespaces are kept in mind. Beyond that less can be proven.
use constant MAX_NAMESPACES => 1000;

# Where the namespace stands among the words of an entry.
use constant ENTRY_NAMESPACE => 9;

# first is when the first event was sent that no confirmation was about, ever when any was. All of them went to one
# namespace, unless they are mixed. Of each namespace it has last, what its last confirmation has left, span, the first and
# the last entry in its stream, beats, of servers that Sioemit::Heartbeats has heard; and beside, the channels by which
# events went that a stream does not hold.
sub new {
    my ($class) = @_;
    return bless { last => {}, span => {}, beats => {}, beside => {} }, $class;
}

# note notes that something goes to a namespace, before it does: then no accident on the way leaves it out.
sub note {
    my ($self, $namespace) = @_;
    $self->{namespace} //= $namespace;
    $self->{mixed} ||= $self->{namespace} ne $namespace;
    $self->_since(Sioemit::Replies::now()) if !$self->{first};
    return;
}

sub _since {
    my ($self, $time) = @_;
    for my $earliest (@$self{qw(first ever)}) {
        $earliest = $time if !$earliest || $time < $earliest;
    }
    return;
}

# note_beside notes that an event goes by a channel beside the stream, and returns whether one did already.
sub note_beside {
    my ($self, $channel) = @_;
    return 1 if $self->{beside}{$channel};
    keys %{ $self->{beside} } < MAX_NAMESPACES ? ($self->{beside}{$channel} = 1) : $self->_lose;
    return 0;
}

# forget_beside is for an event that all servers have answered.
sub forget_beside {
    my ($self, $channel) = @_;
    delete $self->{beside}{$channel};
    return;
}

# note_entry notes that Redis has added an entry, whose words are those of its command.
sub note_entry {
    my ($self, $words, $id) = @_;
    my $namespace = $words->[ENTRY_NAMESPACE];
    return $self->_lose('the id of an entry is not known, because it was added within a transaction')
        if ($id // '') !~ /\A[0-9]+-[0-9]+\z/;
    my $span = $self->{span}{$namespace};
    return $self->_lose if !$span && keys %{ $self->{span} } >= MAX_NAMESPACES;
    $self->{span}{$namespace} = [$span ? $span->[0] : $id, $id];    # they come in order
    return;
}

sub _lose {
    my ($self, $why) = @_;
    $self->{lost} = {
        at  => Sioemit::Replies::now(),
        why => $why // 'events went to more rooms or namespaces than are kept in mind'
    };
    return;
}

# begin returns the window of a confirmation: what was sent to a namespace so far. It stays with this object until end, so
# that the next confirmation is about it, too, when this one dies.
sub begin {
    my ($self, $namespace, $channel) = @_;
    if (my $given_up = $self->{window}) {
        $self->_since($given_up->{first})           if $given_up->{first};
        $self->{beside}{ $given_up->{channel} } = 1 if $given_up->{beside};
    }
    my $last = $self->{last}{$namespace} // { missed => 0 };
    my $lost = $self->{lost};
    $lost = undef if $lost && $last->{until} && $lost->{at} < $last->{until};

    # Or nothing was sent there.
    my $here  = $self->{mixed} || ($self->{namespace} // $namespace) eq $namespace;
    my $first = $here ? delete $self->{first} : undef;
    $self->{window} = {
        namespace => $namespace,
        channel   => $channel,
        first     => $first,
        since     => $self->{mixed} ? $self->{ever} : $first,    # of several, no more is known
        last      => $last,
        span      => $self->{span}{$namespace},
        beside    => $self->{beside}{$channel},
        lost      => $lost && $lost->{why},
    };
    delete $self->{beside}{$channel};
    return $self->{window};
}

# doubt says why nothing can be known of what a confirmation is about, whatever the servers answer.
sub doubt {
    my ($window) = @_;
    my ($first, $last) = @$window{qw(first last)};
    return $window->{lost} if $window->{lost};
    return $first && $last->{doubt} && $first <= $last->{until} ? $last->{doubt} : '';
}

# end ends a confirmation: its window will not be asked about again. What it leaves is the state of things; doubt, why
# nothing is known of what was sent until then, if anything is; and whether servers are missed.
sub end {
    my ($self, %left) = @_;
    my $window    = $self->{window};
    my $namespace = $window->{namespace};
    $self->{last} = {} if keys %{ $self->{last} } >= MAX_NAMESPACES;
    $self->{last}{$namespace} = { %left, until => Sioemit::Replies::now() };
    if (my $confirmed = $window->{span}) {
        my $now = $self->{span}{$namespace};
        $now->[1] eq $confirmed->[1]
            ? delete $self->{span}{$namespace}
            : ($self->{span}{$namespace} = [$confirmed->[1], $now->[1]]);
    }
    delete $self->{window};
    return;
}

# missed returns how many servers there were before some of them may have been cut off, until as many have answered again:
# one that comes back has not got what was sent while it was away. So many servers have answered now; interrupted tells
# whether some may have been cut off since the last confirmation, if only behind their answers.
sub missed {
    my ($last, $servers, $interrupted) = @_;
    my ($state, $missed) = @$last{qw(state missed)};
    return $servers >= $missed ? 0 : $missed if !$interrupted;
    return $missed                           if !$state;
    return $missed > $state->{servers} ? $missed : $state->{servers};
}

1;

__END__

=encoding utf8

=head1 NAME

Sioemit::Sent - what has been sent and is not confirmed yet

=head1 METHODS

=head2 new

=head2 note

=head2 note_beside

=head2 forget_beside

=head2 note_entry

=head2 begin

=head2 end

=head1 FUNCTIONS

=head2 doubt

=head2 missed

=cut
