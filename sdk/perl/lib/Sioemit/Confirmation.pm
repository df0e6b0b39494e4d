package Sioemit::Confirmation;

use strict;
use warnings;

use Sioemit::Error       qw(refuse tried);
use Sioemit::Heartbeats  ();
use Sioemit::Question    ();
use Sioemit::Sent        ();
use Sioemit::State       ();
use Sioemit::Unconfirmed ();

# new takes sent, client, adapter, target and deadline.
sub new {
    my ($class, %self) = @_;
    return bless {%self}, $class;
}

# confirm returns how many servers have taken what was sent to the namespace.
sub confirm {
    my ($self) = @_;
    my ($sent, $adapter, $target) = @$self{qw(sent adapter target)};
    die Sioemit::Unconfirmed->new(0, 'another confirm of this emitter is going on') if $sent->{busy};
    local $sent->{busy} = 1;
    my (undef, $channel) = $adapter->listeners($target);
    my $window  = $sent->begin($target->{namespace}, $channel);
    my $servers = $self->_ask;
    my ($state, $doubt, $error) = $self->_look($window, $servers);

    # What cannot be known now never will be: the next confirmation begins anew.
    my $missed = Sioemit::Sent::missed($window->{last}, $servers, $doubt ne '');
    $sent->end(state => $state, doubt => $doubt, missed => $missed);
    my ($why) = grep { defined && $_ ne '' } $error, $doubt,
        $window->{beside} && 'what is for the servers themselves goes beside the stream',
        Sioemit::Sent::doubt($window);
    die Sioemit::Unconfirmed->new($servers, $why) if defined $why && $window->{since};
    return $servers;
}

# _ask asks every server a question behind what was sent, and returns how many have answered. It asks again when servers
# have come meanwhile: one of them may have answered in the place of another.
sub _ask {
    my ($self) = @_;
    my ($client, $adapter, $target) = @$self{qw(client adapter target)};
    my $question = Sioemit::Question->new(%$self, call => 'confirm', target => Sioemit::Question::nobody($target));
    my $servers;
    do {
        my $error = tried(sub { $servers = $question->ask });
        $servers = $self->_ask_old($error) if $error;
    } while ($question->asked && $client->count($adapter->listeners($target)) > $question->asked);
    return $servers
        || refuse('no-servers', "confirm: no server listens on namespace $target->{namespace}");    # others may
}

# _ask_old asks servers that subscribe to nothing, where the error is that there are none.
sub _ask_old {
    my ($self, $error) = @_;
    die $error if $error->reason ne 'no-servers' || !$self->{adapter}->can('stream');
    return Sioemit::Heartbeats->new(%$self)->ask || die $error;
}

# _look returns how things are now that so many servers have answered, why that proves nothing, and why Redis did not let
# us look.
sub _look {
    my ($self, $window, $servers) = @_;
    my ($state, $doubt);
    my $error = tried(
        sub {
            $state = Sioemit::State->look(@$self{qw(client adapter)}, $servers);
            $doubt = $state->interrupted($window->{last}{state}, $window->{since} // 0, $window->{last}{missed});
            $doubt = $self->_trimmed($window->{span}) if $doubt eq '';
        }
    );
    return ($state, $doubt) if !$error;
    my $refused = $error->message =~ s/\A\[(\w+)\] /uc($1 =~ tr{_}{ }r) . ': '/er;    # as the client names the command
    return ($state, $doubt // 'Redis did not let us look', $refused);
}

# _trimmed says whether entries were trimmed before they were read, or were lost by a Redis that took the place of another.
# While the first one is there, none behind it has been trimmed.
sub _trimmed {
    my ($self, $span) = @_;
    my ($client, $adapter, $target) = @$self{qw(client adapter target)};
    for my $id (@{ $span || [] }) {
        my @entries = $client->call(xrange => $adapter->stream($target), $id, $id);
        return 'an entry is no longer in the stream, and may have been trimmed before it was read' if !@entries;
    }
    return '';
}

1;

__END__

=encoding utf8

=head1 NAME

Sioemit::Confirmation - whether servers have taken what was sent

=head1 DESCRIPTION

Servers take what one connection brings in order, and so an answer to a question that is sent behind events says that they
have the events, too. It says nothing where a connection was cut meanwhile, and that is looked at.

=head1 METHODS

=head2 new

=head2 confirm

=cut
