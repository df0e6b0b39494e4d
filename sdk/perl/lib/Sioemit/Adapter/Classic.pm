package Sioemit::Adapter::Classic;

use strict;
use warnings;

use Scalar::Util qw(blessed);

use Sioemit::Error       qw(refuse);
use Sioemit::JSON        ();
use Sioemit::MessagePack ();
use Sioemit::Target      ();

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

# server_side publishes JSON, because servers with an adapter before 7.2 end when such a request holds binary.
sub server_side {
    my ($self, $target, $event, $args) = @_;
    my $data = eval { Sioemit::JSON->encode($event, $args, undef) };
    if (!$data) {
        my $error = $@;
        die $error if !blessed $error || !$error->isa('Sioemit::Error') || $error->reason ne 'binary-in-json';
        refuse('binary-in-json',
            $error->message
                . ', and servers with @socket.io/redis-adapter before 7.2 end when such a request holds any');
    }
    return ('publish', $self->_request_channel($target), '{"uid":"emitter","type":6,"data":' . $data->bytes . '}');
}

# listeners returns what counts those who listen for requests, which each server does once.
sub listeners {
    my ($self, $target) = @_;
    return (NUMSUB => $self->_request_channel($target));
}

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

=head2 listeners

=cut
