package Sioemit::Collector;

use strict;
use warnings;
no if $] >= 5.035, warnings => 'experimental::builtin';

use Scalar::Util qw(blessed);

use Sioemit::Encoder ();
use Sioemit::Reply   ();

# What each call is answered with, how a reply is taken, and what the call returns.
my %CALLS = (
    server_side_emit => { replies => {}, result => sub { return } },    # which asks only whether it may be sent
    emit_with_ack    => {
        replies => { count => \&_count, ack => \&_ack },
        result  => sub {
            my ($self, $asked) = @_;
            return {
                values     => $self->{values},
                clients    => $self->{clients},
                per_server => $self->{per_server},
                servers    => $asked
            };
        },
    },
    server_side_emit_with_ack => { replies => { answer => \&_answer }, result => sub { $_[0]{values} } },
    confirm       => { replies => { sockets => \&_present }, result => sub { $_[0]{servers} }, only_servers => 1 },
    fetch_sockets => { replies => { sockets => \&_sockets }, result => sub { $_[0]{sockets} } },
    rooms         => {
        replies => { rooms => \&_rooms, sockets => \&_sockets },
        result  => sub {
            my ($self) = @_;
            my @rooms  = (@{ $self->{rooms} }, map { @{ $_->{rooms} } } @{ $self->{sockets} });
            my %names  = map { $_ => 1 } grep { !Sioemit::Encoder::is_number($_) } @rooms;
            return [sort keys %names];
        },
    },
);

sub new {
    my ($class, $call) = @_;
    return bless {
        %{ $CALLS{$call} },
        values     => [],
        sockets    => [],
        rooms      => [],
        per_server => [],
        clients    => 0,
        servers    => 0,     # that have answered
        listeners  => 0,     # that have, and are no servers
        unread     => 0,
        seen       => {},    # what cannot come twice
    }, $class;
}

# take looks at a message that may be a reply to the question with an id.
sub take {
    my ($self, $message, $id) = @_;
    local $SIG{__DIE__};    # what cannot be read is no accident
    my $done = eval {
        my $reply = Sioemit::Reply->read($message, $id);
        my $take  = $reply && $self->{replies}{ $reply->{kind} };
        $self->$take($reply) if $take;
        1;
    };
    return if $done;
    my $error = $@;
    die $error if !blessed $error || !$error->isa('Sioemit::Error');    # an alarm of the program
    $self->{unread}++;
    return;
}

# complete tells whether the replies of so many servers are all there. An acknowledgement may overtake the count.
sub complete {
    my ($self, $asked) = @_;
    return $self->{servers} + $self->{listeners} >= $asked && @{ $self->{values} } >= $self->{clients};
}

sub result {
    my ($self, $asked) = @_;
    my $result = $self->{result}->($self, $asked);
    return $result;
}

# missing returns the numbers of an incomplete answer.
sub missing {
    my ($self, $asked) = @_;
    my $acknowledges = $self->{replies}{ack};
    return (
        servers  => $self->{servers},
        asked    => $asked - $self->{listeners},
        clients  => $acknowledges ? scalar @{ $self->{values} } : 0,
        expected => $self->{clients},
        unread   => $self->{only_servers} ? 0 : $self->{unread},
    );
}

sub _count {
    my ($self, $reply) = @_;
    return if $self->{seen}{"uid $reply->{uid}"};
    my $clients = $reply->clients;
    push @{ $self->{per_server} }, $clients;
    $self->{clients} += $clients;
    $self->_answered($reply);
    return;
}

sub _ack {
    my ($self, $reply) = @_;
    push @{ $self->{values} }, $reply->{content};
    return;
}

sub _answer {
    my ($self, $reply) = @_;
    return if $self->{seen}{"uid $reply->{uid}"};
    push @{ $self->{values} }, $reply->{content};
    $self->_answered($reply);
    return;
}

# _present: whoever listens to the traffic answers as a server without clients does, under a name that tells.
sub _present {
    my ($self, $reply) = @_;
    return if $self->{seen}{"uid $reply->{uid}"};
    $self->_answered($reply);
    return if $reply->{uid} !~ /\Alisten-/;
    $self->{servers}--;
    $self->{listeners}++;
    return;
}

# _sockets: a reply that names known sockets only came twice, because no two servers have the same socket.
sub _sockets {
    my ($self, $reply) = @_;
    return if $self->{seen}{"uid $reply->{uid}"};
    my @sockets = $reply->sockets;
    my @new     = grep { !$self->{seen}{"id $_->{id}"}++ } @sockets;
    push @{ $self->{sockets} }, @new;
    $self->_answered($reply) if @new || !@sockets;
    return;
}

# _rooms: a reply that names the same rooms as another came twice, because each server has the ids of its sockets among
# them. Those without rooms are all alike.
sub _rooms {
    my ($self, $reply) = @_;
    my @rooms = $reply->rooms;
    my $names = join '', map {
        my $room = $_;    # a number that is used as text would be one
        (Sioemit::Encoder::is_number($room) ? 'n' : 't') . length($room) . ":$room"
    } @rooms;
    return if @rooms && $self->{seen}{"rooms $names"}++;
    push @{ $self->{rooms} }, @rooms;
    $self->_answered($reply);
    return;
}

# _answered: servers of the classic adapter do not say who they are.
sub _answered {
    my ($self, $reply) = @_;
    $self->{servers}++;
    $self->{seen}{"uid $reply->{uid}"} = 1 if $reply->{uid} ne '';
    return;
}

1;

__END__

=encoding utf8

=head1 NAME

Sioemit::Collector - the replies to one question

=head1 METHODS

=head2 new

=head2 take

=head2 complete

=head2 result

=head2 missing

=cut
