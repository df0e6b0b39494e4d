package Sioemit::Adapter::Classic;

use strict;
use warnings;

use Sioemit::Adapter::Message  qw(json_unless_binary);
use Sioemit::Adapter::Question qw(object text integer options rooms);
use Sioemit::JSON              ();
use Sioemit::MessagePack       ();
use Sioemit::Target            ();

# What stands before the data of a broadcast: ["emitter", {type, data, nsp}, {rooms, flags, except}].
my $HEAD = "\x93\xa7emitter\x83\xa4type\x02\xa4data";

# Socket.IO 1 and 2 need another type for binary; 4 drops every client that gets it.
my $BINARY_HEAD = "\x93\xa7emitter\x83\xa4type\x05\xa4data";

sub new {
    my ($class, %options) = @_;
    return bless {%options}, $class;    # key, codec, legacy_binary
}

sub broadcast {
    my ($self, $target, $event, $args, $limit) = @_;
    my $made    = $target->made;
    my $channel = $made->{channel} //= $target->channel($self->{key}, sub { 1 });
    if ($self->{codec} eq 'json') {
        my $data = Sioemit::JSON->encode($event, $args, $limit);
        my $tail = $made->{json} //= _json_tail($target);
        return ('publish', $channel, '["emitter",{"type":2,"data":' . $data->bytes . $tail);
    }
    my $data = Sioemit::MessagePack->encode($event, $args, $limit);
    my $tail = $made->{messagepack} //= _tail($target);
    my $head = $self->{legacy_binary} && $data->binaries ? $BINARY_HEAD : $HEAD;
    return ('publish', $channel, $head . $data->bytes . $tail);
}

# _tail returns what stands behind the data. Most emits have a target of their own, so that it is put together by hand.
sub _tail {
    my ($target) = @_;
    my $flags = "\x80";
    if (%{ $target->{flags} }) {
        my $set = Sioemit::MessagePack->new;
        $target->write_flags($set);
        $flags = $set->bytes;
    }
    return
          "\xa3nsp"
        . Sioemit::MessagePack::packed($target->{namespace})
        . "\x83\xa5rooms"
        . _rooms($target->{rooms})
        . "\xa5flags$flags\xa6except"
        . _rooms($target->{except});
}

sub _rooms {
    my ($rooms) = @_;
    return "\x90" if !@$rooms;
    return "\x91" . Sioemit::MessagePack::packed($rooms->[0])
        if @$rooms == 1 && !Sioemit::Target::is_number($rooms->[0]);
    my $list = Sioemit::MessagePack->new;
    Sioemit::Target::write_rooms($list, $rooms);
    return $list->bytes;
}

sub _json_tail {
    my ($target) = @_;
    my $rest = Sioemit::JSON->new;
    $rest->{out} = ',"nsp":';
    $rest->text($target->{namespace});
    $rest->{out} .= '},';
    $target->write_options($rest, qw(rooms flags except));
    return $rest->bytes . ']';
}

my %TYPES = (join => 2, leave => 3, disconnect => 4);

sub request {
    my ($self, $target, $kind, $value) = @_;
    my $json = Sioemit::JSON->new;
    $json->{out} = qq({"type":$TYPES{$kind},"opts":);
    $target->write_options($json, qw(rooms except));
    if ($kind eq 'disconnect') {
        $json->{out} .= ',"close":';
        $json->boolean($value);
    }
    else {
        $json->{out} .= ',"rooms":';
        Sioemit::Target::write_rooms($json, $value);
    }
    return ('publish', $self->_request_channel($target), $json->bytes . '}');
}

sub server_side {
    my ($self, $target, $event, $args) = @_;
    my $data   = $self->_data($event, $args, undef);
    my $format = ref $data;
    return (
        'publish',
        $self->_request_channel($target),
        object(
            $format,
            uid  => text($format, 'emitter'),
            type => integer($format, 6),
            data => $data->bytes
        )
    );
}

# _data returns the data of an event in a request, in JSON where it can be: servers with an adapter before 7.2 end when
# they get MessagePack there.
sub _data {
    my ($self, @event) = @_;
    return $self->{codec} eq 'json' ? Sioemit::JSON->encode(@event) : json_unless_binary(@event);
}

# ends_servers tells whether a request is MessagePack.
sub ends_servers {
    my ($self, @command) = @_;
    return $command[-1] !~ /\A\{/;
}

# question returns what makes the command of a question that has an id, and waits for acknowledgements for so many
# milliseconds.
sub question {
    my ($self, $target, $call, $event, $args, $limit) = @_;
    my $data   = defined $event ? $self->_data($event, $args, $limit) : Sioemit::JSON->new;
    my $format = ref $data;
    my %rest   = (
        rooms         => sub { (type => integer($format, 1)) },
        fetch_sockets => sub { (type => integer($format, 5), opts => options($format, $target, 0, qw(rooms except))) },
        confirm       => sub { (type => integer($format, 0), rooms => rooms($format, $target)) },
        server_side_emit_with_ack => sub { (type => integer($format, 6), data => $data->bytes) },
        emit_with_ack             => sub {
            my ($timeout) = @_;
            my $packet = object(
                $format,
                type => integer($format, 2),
                data => $data->bytes,
                nsp  => text($format, $target->{namespace})
            );
            my $options = options($format, $target, $timeout, qw(rooms except flags));
            return (type => integer($format, 7), packet => $packet, opts => $options);
        },
    );
    return sub {
        my ($id, $timeout) = @_;
        my @head = (uid => text($format, 'emitter'), requestId => text($format, $id));
        return ('publish', $self->_request_channel($target), object($format, @head, $rest{$call}->($timeout)));
    };
}

# reply_channels returns what subscribes to answers: the second channel is that of publishOnSpecificResponseChannel.
sub reply_channels {
    my ($self, $target) = @_;
    my $channel = "$self->{key}-response#$target->{namespace}#";
    return (SUBSCRIBE => $channel, "${channel}emitter#");
}

my %NEEDS = (
    emit_with_ack             => '@socket.io/redis-adapter 7.2 or later',
    server_side_emit_with_ack => '@socket.io/redis-adapter 7.0 or later and a handler for the event',
);

# needs returns what a server needs to answer a call.
sub needs {
    my ($self, $call) = @_;
    return $NEEDS{$call} // 'socket.io-redis 6.1 or @socket.io/redis-adapter 7 or later';
}

# listeners returns what counts those who listen for requests, which each server does once.
sub listeners {
    my ($self, $target) = @_;
    return (NUMSUB => $self->_request_channel($target));
}

# carried_by returns which field of CLIENT LIST shows what carries events to servers, and how much it is at least: each has
# a pattern for each namespace, which those who ask have not.
sub carried_by { return (psub => 1) }

sub _request_channel {
    my ($self, $target) = @_;
    return "$self->{key}-request#$target->{namespace}#";
}

1;

__END__

=encoding utf8

=head1 NAME

Sioemit::Adapter::Classic - the bytes of createAdapter

=head1 DESCRIPTION

The adapter made by C<createAdapter> of @socket.io/redis-adapter and socket.io-redis, for Socket.IO 1 to 4.

=head1 METHODS

=head2 new

=head2 broadcast

=head2 request

=head2 server_side

=head2 ends_servers

=head2 question

=head2 reply_channels

=head2 needs

=head2 listeners

=head2 carried_by

=cut
