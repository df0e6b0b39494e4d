package Sioemit::Adapter::Sharded;

use strict;
use warnings;

use Encode ();

use Sioemit::Adapter::Message
    qw(broadcast_data request_data question_message message json_unless_binary needs BROADCAST SERVER_SIDE_EMIT);
use Sioemit::Error qw(refuse);
use Sioemit::JSON  ();

# Upstream takes a room of as many UTF-16 code units for a socket id.
use constant SOCKET_ID_LENGTH => 20;

my %HAS_CHANNEL = (
    'dynamic' => sub { length(Encode::encode('UTF-16LE', Encode::decode('UTF-8', $_[0]))) / 2 != SOCKET_ID_LENGTH },
    'dynamic-private' => sub { 1 },
    'static'          => sub { 0 },
);

sub new {
    my ($class, %options) = @_;    # channel_prefix, subscription_mode
    refuse('adapter-option',
        "subscription_mode \"$options{subscription_mode}\": it is dynamic, dynamic-private or static")
        if !$HAS_CHANNEL{ $options{subscription_mode} };
    return bless {%options}, $class;
}

sub broadcast {
    my ($self, $target, $event, $args, $limit) = @_;
    my ($data, $packed) = broadcast_data($target, $event, $args, $limit);
    my $channel = $target->made->{channel} //=
        $target->channel($self->{channel_prefix}, $HAS_CHANNEL{ $self->{subscription_mode} });
    return ('spublish', $channel, message($target, BROADCAST, $data, $packed));
}

sub request {
    my ($self, $target, $kind, $value) = @_;
    my ($type, $data) = request_data($target, $kind, $value);
    return ('spublish', $self->_channel($target), message($target, $type, $data));
}

sub server_side {
    my ($self, $target, $event, $args) = @_;
    my $packet = json_unless_binary($event, $args, undef);
    my $packed = $packet->isa('Sioemit::MessagePack');
    my $data   = $packed ? "\x81\xa6packet" . $packet->bytes : '{"packet":' . $packet->bytes . '}';
    return ('spublish', $self->_channel($target), message($target, SERVER_SIDE_EMIT, $data, $packed));
}

# question returns what makes the command of a question.
sub question {
    my ($self, $target, $call, $event, $args, $limit) = @_;
    my $data    = defined $event ? json_unless_binary($event, $args, $limit) : Sioemit::JSON->new;
    my $message = question_message($target, $call, $data);
    return sub { ('spublish', $self->_channel($target), $message->(@_)) };
}

sub reply_channels {
    my ($self, $target) = @_;
    return (SSUBSCRIBE => $self->_channel($target) . 'emitter#');
}

# listeners returns what counts those who listen on the channel of the namespace, which each server does once.
sub listeners {
    my ($self, $target) = @_;
    return (SHARDNUMSUB => $self->_channel($target));
}

# carried_by returns which field of CLIENT LIST shows what carries events to servers, and how much it is at least: each has
# two channels for each namespace, and those who ask have one.
sub carried_by { return (ssub => 2) }

sub _channel {
    my ($self, $target) = @_;
    return "$self->{channel_prefix}#$target->{namespace}#";
}

1;

__END__

=encoding utf8

=head1 NAME

Sioemit::Adapter::Sharded - the bytes of createShardedAdapter

=head1 DESCRIPTION

The adapter made by C<createShardedAdapter> of @socket.io/redis-adapter 8.2 and later, which needs Redis 7.

=head1 METHODS

=head2 new

=head2 broadcast

=head2 request

=head2 server_side

=head2 question

=head2 reply_channels

=head2 needs

=head2 listeners

=head2 carried_by

=cut
