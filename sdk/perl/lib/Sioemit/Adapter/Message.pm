package Sioemit::Adapter::Message;

use strict;
use warnings;

use Exporter     qw(import);
use Scalar::Util qw(blessed);

use Sioemit::Adapter::Question qw(object text integer options);
use Sioemit::JSON              ();
use Sioemit::MessagePack       ();
use Sioemit::Target            ();

our @EXPORT_OK =
    qw(broadcast_data request_data confirm_data question_message message json_unless_binary needs BROADCAST SERVER_SIDE_EMIT);

use constant { BROADCAST => 3, FETCH_SOCKETS => 7, SERVER_SIDE_EMIT => 9 };

my %TYPES = (join => 4, leave => 5, disconnect => 6);

# json_unless_binary returns the data of a packet in JSON, or in MessagePack when it holds binary.
sub json_unless_binary {
    my ($event, $args, $limit) = @_;
    local $SIG{__DIE__};    # binary is no accident
    my $data = eval { Sioemit::JSON->encode($event, $args, $limit) };
    return $data if $data;
    my $error = $@;
    die $error if !blessed $error || !$error->isa('Sioemit::Error') || $error->reason ne 'binary-in-json';
    return Sioemit::MessagePack->encode($event, $args, $limit);
}

# broadcast_data returns {packet, opts}, and whether it is MessagePack.
sub broadcast_data {
    my ($target, $event, $args, $limit) = @_;
    my $data    = json_unless_binary($event, $args, $limit);
    my $packed  = $data->isa('Sioemit::MessagePack');
    my $options = $target->made->{ ref $data } //= _options(ref $data, $target);
    my $bytes =
        $packed
        ? "\x82\xa6packet\x82\xa4type\x02\xa4data" . $data->bytes . "\xa4opts$options"
        : '{"packet":{"type":2,"data":' . $data->bytes . qq(},"opts":$options});
    return ($bytes, $packed);
}

sub _options {
    my ($format, $target) = @_;
    my $options = $format->new;
    $target->write_options($options, qw(rooms except flags));
    return $options->bytes;
}

# request_data returns the type of a request and its data, in JSON.
sub request_data {
    my ($target, $kind, $value) = @_;
    my $json = Sioemit::JSON->new;
    $json->{out} = '{"opts":';
    $target->write_options($json, qw(rooms except flags));
    if ($kind eq 'disconnect') {
        $json->{out} .= ',"close":';
        $json->boolean($value);
    }
    else {
        $json->{out} .= ',"rooms":';
        Sioemit::Target::write_rooms($json, $value);
    }
    return ($TYPES{$kind}, $json->bytes . '}');
}

# confirm_data returns the type of the question of a confirmation that has an id, and its data, in JSON.
sub confirm_data {
    my ($target, $id) = @_;
    my $options = _options('Sioemit::JSON', $target);
    return (FETCH_SOCKETS, object('Sioemit::JSON', opts => $options, requestId => text('Sioemit::JSON', $id)));
}

# question_message returns what makes the message of a question that has an id, and waits for acknowledgements for so many
# milliseconds. The data of its event, if it has one, is encoded.
sub question_message {
    my ($target, $call, $data) = @_;
    my $format = ref $data;
    my @opts   = qw(rooms except flags);
    my %made   = (
        fetch_sockets => sub { (FETCH_SOCKETS, opts => options($format, $target, 0, @opts), requestId => $_[0]) },
        server_side_emit_with_ack => sub { (SERVER_SIDE_EMIT, requestId => $_[0], packet => $data->bytes) },
        emit_with_ack             => sub {
            my ($id, $timeout) = @_;
            my $packet = object($format, type => integer($format, 2), data => $data->bytes);
            return (BROADCAST, packet => $packet, requestId => $id, opts => options($format, $target, $timeout, @opts));
        },
    );
    my $make = $made{$call} // $made{fetch_sockets};    # of which the rooms are read
    return sub {
        my ($id,   $timeout) = @_;
        my ($type, @members) = $make->(text($format, $id), $timeout);
        return message($target, $type, object($format, @members), $format eq 'Sioemit::MessagePack');
    };
}

# needs returns what a server needs to answer a call: each version of the adapters answers all of them.
sub needs {
    my (undef, $call) = @_;
    return $call eq 'server_side_emit_with_ack' ? 'a handler for the event' : '';
}

# message returns {type, data, uid, nsp}.
sub message {
    my ($target, $type, $data, $packed) = @_;
    my $namespace = ($packed ? 'Sioemit::MessagePack' : 'Sioemit::JSON')->new;
    $namespace->text($target->{namespace});
    $namespace = $namespace->bytes;
    return $packed
        ? "\x84\xa4type" . chr($type) . "\xa4data$data\xa3uid\xa7emitter\xa3nsp$namespace"
        : qq({"type":$type,"data":$data,"uid":"emitter","nsp":$namespace});
}

1;

__END__

=encoding utf8

=head1 NAME

Sioemit::Adapter::Message - the messages that the sharded and the streams adapter have in common

=head1 FUNCTIONS

=head2 broadcast_data

=head2 request_data

=head2 confirm_data

=head2 question_message

=head2 needs

=head2 message

=head2 json_unless_binary

=cut
