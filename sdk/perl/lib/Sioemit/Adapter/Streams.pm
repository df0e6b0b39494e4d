package Sioemit::Adapter::Streams;

use strict;
use warnings;

use Encode       ();
use MIME::Base64 qw(encode_base64);

use Sioemit::Adapter::Message
    qw(broadcast_data request_data confirm_data question_message message needs BROADCAST SERVER_SIDE_EMIT);
use Sioemit::Error       qw(refuse);
use Sioemit::MessagePack ();

sub new {
    my ($class, %options) = @_;    # stream_name, stream_count, max_len, channel_prefix, use_sharded_pubsub
    for my $name (qw(stream_count max_len)) {
        refuse('adapter-option', "$name $options{$name}: it is a whole number from 1 on")
            if $options{$name} !~ /\A[1-9][0-9]*\z/;
    }
    return bless {%options}, $class;
}

sub broadcast {
    my ($self, $target, $event, $args, $limit) = @_;
    my ($data, $packed) = broadcast_data($target, $event, $args, $limit);
    return $self->_entry($target, BROADCAST, $packed ? encode_base64($data, '') : $data);
}

# request goes through the stream: a server that is away for a moment must not miss it.
sub request {
    my ($self, $target, $kind, $value) = @_;
    return $self->_entry($target, request_data($target, $kind, $value));
}

sub server_side {
    my ($self, $target, $event, $args) = @_;
    my $data = "\x81\xa6packet" . Sioemit::MessagePack->encode($event, $args, undef)->bytes;
    return ($self->_publish, $self->_channel($target), message($target, SERVER_SIDE_EMIT, $data, 1));
}

# question returns what makes the command of a question, which goes beside the stream, unless it is to prove that servers
# have read that.
sub question {
    my ($self, $target, $call, $event, $args, $limit) = @_;
    return sub { $self->_entry($target, confirm_data($target, @_)) }
        if $call eq 'confirm';
    my $data    = defined $event ? Sioemit::MessagePack->encode($event, $args, $limit) : Sioemit::MessagePack->new;
    my $message = question_message($target, $call, $data);
    return sub { ($self->_publish, $self->_channel($target), $message->(@_)) };
}

sub reply_channels {
    my ($self, $target) = @_;
    return ($self->{use_sharded_pubsub} ? 'SSUBSCRIBE' : 'SUBSCRIBE', $self->_channel($target) . 'emitter#');
}

sub _publish { return $_[0]{use_sharded_pubsub} ? 'spublish' : 'publish' }

# listeners returns what counts those who listen on the channel of the namespace, which each server does once.
sub listeners {
    my ($self, $target) = @_;
    return ($self->{use_sharded_pubsub} ? 'SHARDNUMSUB' : 'NUMSUB', $self->_channel($target));
}

sub _channel {
    my ($self, $target) = @_;
    return "$self->{channel_prefix}#$target->{namespace}#";
}

sub _entry {
    my ($self, $target, $type, $data) = @_;
    return (
        'xadd', $self->stream($target), 'MAXLEN', '~', $self->{max_len}, '*',
        uid  => 'emitter',
        nsp  => $target->{namespace},
        type => $type,
        data => $data
    );
}

# carried_by returns nothing: what is sent stays in Redis until servers read it.
sub carried_by { return }

# stream returns the name of the stream in which the entries of a namespace are.
sub stream {
    my ($self, $target) = @_;
    return $target->made->{stream} //= $self->_stream($target->{namespace});
}

sub _stream {
    my ($self, $namespace) = @_;
    return $self->{stream_name} if $self->{stream_count} == 1;

    # Upstream's remainder keeps the sign of the hash, as JavaScript's % does.
    my $code   = java_hash($namespace);
    my $number = abs($code) % $self->{stream_count};
    refuse('unread-stream',
        "no server reads the stream of namespace \"$namespace\": it hashes to -$number of $self->{stream_count}")
        if $code < 0 && $number;
    return "$self->{stream_name}-$number";
}

# java_hash returns the hash code of a string in Java, which upstream borrowed: over UTF-16 code units, signed, 32 bits.
sub java_hash {
    my ($utf8) = @_;
    my $code = 0;
    for my $unit (unpack 'v*', Encode::encode('UTF-16LE', Encode::decode('UTF-8', $utf8))) {
        $code = (31 * $code + $unit) & 0xFFFF_FFFF;
    }
    return $code >= 2**31 ? $code - 2**32 : $code;
}

1;

__END__

=encoding utf8

=head1 NAME

Sioemit::Adapter::Streams - the entries of @socket.io/redis-streams-adapter

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

=head2 stream

=head1 FUNCTIONS

=head2 java_hash

=cut
