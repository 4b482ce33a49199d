"""The fixed answers of the camera's Device, Media and DeviceIO services: text with values filled in."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from xml.sax.saxutils import escape

from simulators.onvif_events import topic_set
from simulators.onvif_soap import NS

SERVICES = {
    "device_service": NS["tds"],
    "media_service": NS["trt"],
    "event_service": NS["tev"],
    "deviceio_service": NS["tmd"],
}


def system_date_and_time(now: datetime, zone: timedelta) -> str:
    """GetSystemDateAndTimeResponse; ``now`` aware, UTC; ``zone``: local time minus UTC."""

    def parts(name: str, at: datetime) -> str:
        return (
            f"<tt:{name}><tt:Time><tt:Hour>{at.hour}</tt:Hour><tt:Minute>{at.minute}</tt:Minute>"
            f"<tt:Second>{at.second}</tt:Second></tt:Time><tt:Date><tt:Year>{at.year}</tt:Year>"
            f"<tt:Month>{at.month}</tt:Month><tt:Day>{at.day}</tt:Day></tt:Date></tt:{name}>"
        )

    return (
        "<tds:GetSystemDateAndTimeResponse><tds:SystemDateAndTime><tt:DateTimeType>Manual</tt:DateTimeType>"
        "<tt:DaylightSavings>false</tt:DaylightSavings><tt:TimeZone><tt:TZ>CST-8</tt:TZ></tt:TimeZone>"
        f"{parts('UTCDateTime', now)}{parts('LocalDateTime', now + zone)}"
        "</tds:SystemDateAndTime></tds:GetSystemDateAndTimeResponse>"
    )


def device_information(model: str, serial: str) -> str:
    """GetDeviceInformationResponse."""
    return (
        "<tds:GetDeviceInformationResponse><tds:Manufacturer>Simulated</tds:Manufacturer>"
        f"<tds:Model>{escape(model)}</tds:Model><tds:FirmwareVersion>1.0.0</tds:FirmwareVersion>"
        f"<tds:SerialNumber>{escape(serial)}</tds:SerialNumber><tds:HardwareId>SIM</tds:HardwareId>"
        "</tds:GetDeviceInformationResponse>"
    )


def services(base: str, known: Mapping[str, str] = SERVICES) -> str:
    """GetServicesResponse; ``base`` is http://host:port/onvif, ``known`` namespaces by path."""
    items = "".join(
        f"<tds:Service><tds:Namespace>{namespace}</tds:Namespace><tds:XAddr>{base}/{path}</tds:XAddr>"
        "<tds:Version><tt:Major>2</tt:Major><tt:Minor>42</tt:Minor></tds:Version></tds:Service>"
        for path, namespace in known.items()
    )
    return f"<tds:GetServicesResponse>{items}</tds:GetServicesResponse>"


def capabilities(base: str) -> str:
    """GetCapabilitiesResponse; DeviceIO stands in the extension, as in the schema."""
    return (
        "<tds:GetCapabilitiesResponse><tds:Capabilities>"
        f"<tt:Device><tt:XAddr>{base}/device_service</tt:XAddr></tt:Device>"
        f"<tt:Events><tt:XAddr>{base}/event_service</tt:XAddr>"
        "<tt:WSSubscriptionPolicySupport>false</tt:WSSubscriptionPolicySupport>"
        "<tt:WSPullPointSupport>true</tt:WSPullPointSupport>"
        "<tt:WSPausableSubscriptionManagerInterfaceSupport>false</tt:WSPausableSubscriptionManagerInterfaceSupport>"
        "</tt:Events>"
        f"<tt:Media><tt:XAddr>{base}/media_service</tt:XAddr><tt:StreamingCapabilities>"
        "<tt:RTPMulticast>false</tt:RTPMulticast><tt:RTP_TCP>true</tt:RTP_TCP><tt:RTP_RTSP_TCP>true</tt:RTP_RTSP_TCP>"
        "</tt:StreamingCapabilities></tt:Media>"
        f"<tt:Extension><tt:DeviceIO><tt:XAddr>{base}/deviceio_service</tt:XAddr><tt:VideoSources>1</tt:VideoSources>"
        "<tt:VideoOutputs>0</tt:VideoOutputs><tt:AudioSources>0</tt:AudioSources><tt:AudioOutputs>0</tt:AudioOutputs>"
        "<tt:RelayOutputs>1</tt:RelayOutputs></tt:DeviceIO></tt:Extension>"
        "</tds:Capabilities></tds:GetCapabilitiesResponse>"
    )


def scopes(name: str, model: str) -> str:
    """GetScopesResponse."""
    words = ("type/video_encoder", "Profile/Streaming", f"hardware/{model}", f"name/{name}")
    items = "".join(
        f"<tds:Scopes><tt:ScopeDef>Fixed</tt:ScopeDef><tt:ScopeItem>onvif://www.onvif.org/{escape(word)}"
        "</tt:ScopeItem></tds:Scopes>"
        for word in words
    )
    return f"<tds:GetScopesResponse>{items}</tds:GetScopesResponse>"


def profiles() -> str:
    """GetProfilesResponse: one H.264 profile "main" of 640x360."""
    return (
        '<trt:GetProfilesResponse><trt:Profiles token="main" fixed="true"><tt:Name>main</tt:Name>'
        '<tt:VideoSourceConfiguration token="VideoSourceConfig_1"><tt:Name>source</tt:Name><tt:UseCount>1</tt:UseCount>'
        '<tt:SourceToken>VideoSource_1</tt:SourceToken><tt:Bounds x="0" y="0" width="640" height="360"/>'
        "</tt:VideoSourceConfiguration>"
        '<tt:VideoEncoderConfiguration token="VideoEncoder_1"><tt:Name>encoder</tt:Name><tt:UseCount>1</tt:UseCount>'
        "<tt:Encoding>H264</tt:Encoding><tt:Resolution><tt:Width>640</tt:Width><tt:Height>360</tt:Height>"
        "</tt:Resolution><tt:Quality>4</tt:Quality><tt:RateControl><tt:FrameRateLimit>10</tt:FrameRateLimit>"
        "<tt:EncodingInterval>1</tt:EncodingInterval><tt:BitrateLimit>1024</tt:BitrateLimit></tt:RateControl>"
        "<tt:H264><tt:GovLength>20</tt:GovLength><tt:H264Profile>Main</tt:H264Profile></tt:H264>"
        "<tt:Multicast><tt:Address><tt:Type>IPv4</tt:Type><tt:IPv4Address>0.0.0.0</tt:IPv4Address></tt:Address>"
        "<tt:Port>0</tt:Port><tt:TTL>0</tt:TTL><tt:AutoStart>false</tt:AutoStart></tt:Multicast>"
        "<tt:SessionTimeout>PT60S</tt:SessionTimeout></tt:VideoEncoderConfiguration>"
        "</trt:Profiles></trt:GetProfilesResponse>"
    )


def media_uri(operation: str, uri: str) -> str:
    """GetStreamUriResponse or GetSnapshotUriResponse."""
    return (
        f"<trt:{operation}Response><trt:MediaUri><tt:Uri>{escape(uri)}</tt:Uri>"
        "<tt:InvalidAfterConnect>false</tt:InvalidAfterConnect><tt:InvalidAfterReboot>false</tt:InvalidAfterReboot>"
        f"<tt:Timeout>PT0S</tt:Timeout></trt:MediaUri></trt:{operation}Response>"
    )


def event_properties() -> str:
    """GetEventPropertiesResponse with the topic tree."""
    return (
        "<tev:GetEventPropertiesResponse>"
        "<tev:TopicNamespaceLocation>http://www.onvif.org/onvif/ver10/topics/topicns.xml</tev:TopicNamespaceLocation>"
        f"<wsnt:FixedTopicSet>true</wsnt:FixedTopicSet><wstop:TopicSet>{topic_set()}</wstop:TopicSet>"
        "<wsnt:TopicExpressionDialect>http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet"
        "</wsnt:TopicExpressionDialect>"
        "<tev:MessageContentFilterDialect>http://www.onvif.org/ver10/tev/messageContentFilter/ItemFilter"
        "</tev:MessageContentFilterDialect>"
        "<tev:MessageContentSchemaLocation>http://www.onvif.org/onvif/ver10/schema/onvif.xsd"
        "</tev:MessageContentSchemaLocation></tev:GetEventPropertiesResponse>"
    )


def relay_outputs(mode: str, delay_s: float, idle: str) -> str:
    """GetRelayOutputsResponse with the one relay (the elements are the device service's in both services)."""
    return (
        '<tds:GetRelayOutputsResponse><tds:RelayOutputs token="RelayOutput_1"><tt:Properties>'
        f"<tt:Mode>{mode}</tt:Mode><tt:DelayTime>PT{delay_s:g}S</tt:DelayTime><tt:IdleState>{idle}</tt:IdleState>"
        "</tt:Properties></tds:RelayOutputs></tds:GetRelayOutputsResponse>"
    )


def digital_inputs() -> str:
    """GetDigitalInputsResponse with the one input."""
    return '<tmd:GetDigitalInputsResponse><tmd:DigitalInputs token="DigitalInput_1"/></tmd:GetDigitalInputsResponse>'
