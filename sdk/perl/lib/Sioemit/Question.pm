package Sioemit::Question;

use strict;
use warnings;

use Digest::SHA qw(sha256_hex);

use Sioemit::Collector  ();
use Sioemit::Error      qw(refuse tried);
use Sioemit::Incomplete ();
use Sioemit::Replies    ();
use Sioemit::Target     ();

# How often a question is asked that changes nothing.
use constant MAX_ATTEMPTS => 4;

my %HARMLESS = (fetch_sockets => 1, rooms => 1, confirm => 1);

# new takes client, adapter, target, deadline, call, and of some calls event, args and limit. In messages it has a name.
sub new {
    my ($class, %self) = @_;
    return bless { name => $self{call}, %self }, $class;
}

# ask returns the result of the call.
sub ask {
    my ($self) = @_;
    my ($client, $adapter, $target, $deadline) = @$self{qw(client adapter target deadline)};
    my $make = $adapter->question($target, @$self{qw(call event args limit)});
    $client->check_asks;
    $self->check_reads_binary if $adapter->can('ends_servers') && $adapter->ends_servers($make->('', 1));
    my $asked = $self->{asked} = $client->count($adapter->listeners($target));
    $client->check_is_all_of_redis;
    refuse('no-servers', "$self->{name}: no server listens on namespace $target->{namespace}") if !$asked;

    my $replies = $client->replies;
    $replies->subscribe($deadline, $adapter->reply_channels($target));
    my $id        = $self->_publish($make);
    my $collector = Sioemit::Collector->new($self->{call});
    until ($collector->complete($asked)) {
        my $message = $replies->message($deadline) // $self->_give_up($collector, $asked);
        $collector->take($message, $id);
    }
    return $collector->result($asked);
}

# asked returns how many servers were.
sub asked { return $_[0]{asked} }

sub _give_up {
    my ($self, $collector, $asked) = @_;
    my %missing = $collector->missing($asked);
    $missing{needs} = $missing{servers} ? '' : $self->{adapter}->needs($self->{call});
    die Sioemit::Incomplete->new($self->{name}, $collector->result($asked), %missing);
}

# _publish returns the id under which the question was asked. It is never written twice under one: servers that had it
# already would answer, and act, twice, and the answers of one would count as those of two.
sub _publish {
    my ($self,   $make)     = @_;
    my ($client, $deadline) = @$self{qw(client deadline)};
    my $unknown;
    for my $attempt (1 .. MAX_ATTEMPTS) {
        if (defined $unknown) {
            last if !$HARMLESS{ $self->{call} } || Sioemit::Replies::now() >= $deadline;
            last if tried(sub { $client->count($self->{adapter}->listeners($self->{target})) });    # it connects again
        }
        my $id   = new_id();
        my $left = 1000 * ($deadline - Sioemit::Replies::now());
        $unknown = $client->publish_once($make->($id, $left < 1 ? 1 : int $left)) // return $id;
    }
    return refuse('maybe-asked',
        "$self->{name}: it is not known whether the servers were asked, because the connection broke meanwhile: $unknown"
    );
}

# check_reads_binary asks the servers whether their adapter reads requests with binary, which end older ones. What shows
# it is that they answer an event with acknowledgement: both came with @socket.io/redis-adapter 7.2. This one goes to a
# room that nobody is in.
sub check_reads_binary {
    my ($self) = @_;
    my $probe = Sioemit::Question->new(
        %$self,
        call   => 'emit_with_ack',
        target => nobody($self->{target}),
        event  => 'probe',
        args   => []
    );
    my $error = tried(sub { $probe->ask }) // return;
    return if $error->reason eq 'no-servers';
    if ($error->reason eq 'incomplete') {    # nothing has come of what was not asked
        my $nothing = Sioemit::Collector->new($self->{call});
        my %missing = map { $_ => $error->{$_} } qw(servers asked clients expected unread needs);
        $error = Sioemit::Incomplete->new($self->{name}, $nothing->result($error->asked), %missing);
    }
    die $error->with_more('the binary was not sent, because it is not certain that all servers can read it');
}

# nobody returns a room of the namespace of a target that nobody is in: what is asked about it concerns no socket.
sub nobody {
    my ($target) = @_;
    return Sioemit::Target->new->with(namespace => $target->{namespace})->with(rooms => ['nobody-' . new_id()]);
}

# new_id returns one that nobody else uses, and nobody can guess.
sub new_id {
    my $random = join ' ', time, $$, Sioemit::Replies::now(), \my $place, map { rand } 1 .. 8;
    if (open my $source, '<:raw', '/dev/urandom') {    # Windows has none
        sysread $source, $random, 32, length $random;
        close $source or die $!;
    }
    return substr sha256_hex($random), 0, 40;
}

1;

__END__

=encoding utf8

=head1 NAME

Sioemit::Question - a call with replies

=head1 METHODS

=head2 new

=head2 ask

=head2 asked

=head2 check_reads_binary

=head1 FUNCTIONS

=head2 nobody

=head2 new_id

=cut
