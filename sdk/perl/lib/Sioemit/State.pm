package Sioemit::State;

use strict;
use warnings;

use Sioemit::Replies ();

# look looks at what carries events from Redis to the servers, now that so many of these have answered: as long as it stays
# the same, nothing is lost on the way. The adapter says what its servers subscribe to.
sub look {
    my ($class, $client, $adapter, $servers) = @_;
    my ($info) = $client->call(info => 'server');
    my ($field, $least) = $adapter->carried_by;
    my %subscribers;
    if ($field) {
        my ($list) = $client->call(client_list => TYPE => 'pubsub');
        %subscribers = subscribers($list, $field, $least);
    }
    my ($seconds, $microseconds) = $client->call('time');   # behind the ages, so that none is taken for more than it is
    return bless {
        run_id      => $info->{run_id} // '',
        subscribers => \%subscribers,
        clock       => $seconds + $microseconds / 1e6,
        seen        => Sioemit::Replies::now(),             # the same time here, or a little later
        servers     => $servers,
    }, $class;
}

# subscribers reads CLIENT LIST, and returns the connections that may be those of servers: a connection that was cut comes
# back as another one. With each comes how long it has been there, in whole seconds. Programs that use go-redis are no
# servers, and neither is what the emitters of other languages name so: they come and go as they ask.
sub subscribers {
    my ($list, $field, $least) = @_;
    my %subscribers;
    for my $line (split /\n/, $list) {
        my %client = $line =~ /(\S+?)=(\S*)/g;
        next if _number($client{$field}) < $least || ($client{'lib-name'} // '') =~ /\Ago-redis/;
        next if ($client{name} // '') eq 'sioemit-replies';
        $subscribers{ join ' ', map { $_ // '' } @client{qw(id addr laddr)} } = _number($client{age});
    }
    return %subscribers;
}

# _number reads one that Redis may not have told.
sub _number {
    my ($text) = @_;
    return ($text // '') =~ /\A([0-9]{1,9})\z/ ? $1 : 0;
}

# interrupted says what may have been lost on the way from a state before, if there is one, to this one, and nothing when
# that is nothing. Since is when the first of it was sent, and 0 when nothing was; missed tells whether a server was cut
# off before, and is not known to be back.
sub interrupted {
    my ($self, $before, $since, $missed) = @_;
    if (!$before) {
        return '' if !$since || !grep { !$self->_was_there($_, $since) } values %{ $self->{subscribers} };
        return 'a subscriber connected to Redis at about the time of the first event, or after it';
    }
    return 'a Redis node has gone, or was started again' if $before->{run_id} ne $self->{run_id};
    my ($were, $are) = ($before->{subscribers}, $self->{subscribers});
    my $gone = grep { !exists $are->{$_} } keys %$were;
    my $came = grep { !exists $were->{$_} && !$self->_was_there($are->{$_}, $since) } keys %$are;
    return $came && $missed ? 'a server that was cut off may have come back after the first event' : '' if !$gone;

    # As many servers as before, and all of them have been there since before the first event: what has gone was none of
    # them, or went before that.
    return '' if !$came && $self->{servers} >= $before->{servers};
    return $gone == 1
        ? q(a subscriber's connection to Redis was cut)
        : "$gone subscribers' connections to Redis were cut";
}

# _was_there tells whether a connection of this age, in whole seconds of the clock of Redis, was there at a time.
sub _was_there {
    my ($self, $age, $since) = @_;
    return 0 if !$since;
    my $connected = int($self->{clock}) - $age;    # or up to a second later
    return $connected + 1 <= $self->{clock} - ($self->{seen} - $since);
}

1;

__END__

=encoding utf8

=head1 NAME

Sioemit::State - what carries events from Redis to the servers

=head1 METHODS

=head2 look

=head2 interrupted

=head1 FUNCTIONS

=head2 subscribers

=cut
