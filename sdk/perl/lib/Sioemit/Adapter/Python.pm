package Sioemit::Adapter::Python;

use strict;
use warnings;

use MIME::Base64 qw(encode_base64);

use Sioemit::Error      qw(refuse);
use Sioemit::JSON       ();
use Sioemit::PythonJSON ();
use Sioemit::Target     ();

sub new {
    my ($class, %options) = @_;    # channel, allow_binary
    return bless {%options}, $class;
}

sub broadcast {
    my ($self, $target, $event, $args, $limit) = @_;
    my $packet      = Sioemit::PythonJSON->encode($event, $args, $self->{allow_binary} ? $limit : undef);
    my $attachments = $packet->attachments;
    refuse('unencodable',
        "event \"$event\": binary disconnects clients on HTTP long-polling where others use websocket; set allow_binary "
            . 'if all of yours use the same transport')
        if @$attachments && !$self->{allow_binary};
    my $name = _text($event);
    my $data = @$args ? '[' . substr($packet->bytes, length "[$name,") : '[]';
    refuse('unencodable', "event \"$event\": null as the only argument arrives as no argument; send none")
        if $data eq '[null]';
    my $binary = 'false';

    if (@$attachments) {
        $data   = '[' . join(',', $data, map { '"' . encode_base64($_, '') . '"' } @$attachments) . ']';
        $binary = 'true';
    }
    my $tail = $target->made->{python} //= _tail($target);
    return ('publish', $self->{channel}, qq({"method":"emit","event":$name,"data":$data,"binary":$binary,$tail));
}

sub _tail {
    my ($target) = @_;
    return
          '"namespace":'
        . _text($target->{namespace})
        . ',"room":'
        . _rooms($target->{rooms})
        . ',"skip_sid":'
        . _rooms($target->{except})
        . ',"callback":null,"host_id":"emitter"}';
}

sub _text {
    my ($bytes) = @_;
    my $json = Sioemit::JSON->new;
    $json->text($bytes);
    return $json->bytes;
}

# _rooms returns no room as null, one by itself, and several as a list. It refuses a number that may stand for others: a
# double from 2**53 up is the nearest to several whole numbers of Python's.
sub _rooms {
    my ($rooms) = @_;
    for my $room (grep { Sioemit::Target::is_number($_) } @$rooms) {
        my $number = substr $room, 1;
        refuse('no-counterpart', "room $number: Python tells numbers from 2**53 up apart that are the same one here")
            if abs $number >= 2**53;
    }
    return 'null' if !@$rooms;
    my $json = Sioemit::JSON->new;
    Sioemit::Target::write_rooms($json, $rooms);
    return @$rooms > 1 ? $json->bytes : substr $json->bytes, 1, -1;
}

# What there is a message for, by what is to be done and to whom. The value of a join or a leave is a list of rooms, that
# of a disconnect says whether to close the connection.
my %METHODS = (
    join       => { one => 'enter_room' },
    leave      => { one => 'leave_room', everyone => 'close_room' },
    disconnect => { one => 'disconnect' },
);

my %INSTEAD = (
    join       => 'one socket joins one room there, and its id must be the target',
    leave      => 'one socket leaves one room there, and its id must be the target, or everyone does',
    disconnect => 'one socket leaves its namespace there, and keeps its connection; its id must be the target',
);

sub request {
    my ($self, $target, $kind, $value) = @_;
    my ($rooms, $except) = @$target{qw(rooms except)};
    my $who     = @$except || @$rooms > 1 ? '' : @$rooms ? 'one' : 'everyone';
    my $method  = $METHODS{$kind}{$who};
    my $changed = $kind eq 'disconnect' ? [] : $value;
    _no_counterpart($INSTEAD{$kind}) if !$method || @$changed > 1 || $kind eq 'disconnect' && $value;
    return ('publish', $self->{channel},
              qq({"method":"$method",)
            . ($who eq 'one' ? '"sid":' . _rooms($rooms) . ','    : '')
            . (@$changed     ? '"room":' . _rooms($changed) . ',' : '')
            . '"namespace":'
            . _text($target->{namespace})
            . ',"host_id":"emitter"}');
}

sub server_side { return _no_counterpart('servers get no events there') }

sub _no_counterpart {
    my ($message) = @_;
    return refuse('no-counterpart', "python-socketio has no counterpart to this call: $message");
}

# listeners returns what counts those who listen on the channel, which each server does once, for all namespaces.
sub listeners {
    my ($self) = @_;
    return (NUMSUB => $self->{channel});
}

1;

__END__

=encoding utf8

=head1 NAME

Sioemit::Adapter::Python - the JSON of python-socketio

=head1 SYNOPSIS

    my $io    = Sioemit->new($redis, adapter => 'python');
    my $flask = Sioemit->new($redis, adapter => 'python', channel => 'flask-socketio');

=head1 DESCRIPTION

The Redis managers of python-socketio 5.15.1 and later, which Flask-SocketIO uses as well. These servers know less than
those in JavaScript:

=over

=item *

C<except> takes socket ids only.

=item *

C<sockets_join> and C<sockets_leave> are for one socket, by its id, and one room. C<sockets_leave> of everyone empties a
room. C<disconnect_sockets> is for one socket, by its id, and leaves its connection. There is no C<server_side_emit>. What
they have no message for is refused, with the reason C<no-counterpart>.

=item *

C<volatile> and C<compress> change nothing.

=item *

C<undef> as the only argument is refused, because it would arrive as no argument. So is what is nested deeper than 300
levels, because Python would lose the event.

=item *

Binary is refused without C<allow_binary>. Where one client uses websocket, such an event disconnects those on HTTP
long-polling.

=back

=head1 METHODS

=head2 new

=head2 broadcast

=head2 request

=head2 server_side

=head2 listeners

=cut
